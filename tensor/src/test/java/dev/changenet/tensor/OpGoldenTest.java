package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.Normalization;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.Sampling;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every backend gives PyTorch's results and gradients for single operations. */
class OpGoldenTest {
  /** The goldens are rounded to float32, so float64 can agree to 6e-8 of each value only. */
  private static final double FLOAT64 = 1e-6;

  private static final double FLOAT32 = 1e-5;

  static Stream<Arguments> cases() {
    return GoldenCase.all().stream()
        .flatMap(
            c ->
                Stream.of(
                    Arguments.of(c, Device.REFERENCE, DType.FLOAT64, FLOAT64),
                    Arguments.of(c, Device.REFERENCE, DType.FLOAT32, FLOAT32),
                    Arguments.of(c, Device.CPU, DType.FLOAT32, FLOAT32),
                    Arguments.of(c, Device.CPU, DType.FLOAT64, FLOAT64)));
  }

  /** What PyTorch was asked for; no other test would miss an operation that the index lost. */
  @Test
  void theGoldenCasesAreThoseOfTheseOperations() {
    assertThat(GoldenCase.all())
        .extracting(GoldenCase::op)
        .containsOnly(
            "conv2d",
            "conv_transpose2d",
            "linear",
            "matmul",
            "layer_norm",
            "layer_norm_2d",
            "batch_norm",
            "gelu_erf",
            "relu",
            "sigmoid",
            "softmax",
            "interpolate_bilinear",
            "interpolate_nearest",
            "interpolate_bicubic",
            "max_pool2d",
            "silu",
            "ms_deform_attn_core",
            "cross_entropy",
            "mmiou",
            "optimizers");
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void matchesPyTorch(GoldenCase golden, Device device, DType dtype, double tolerance) {
    try (Scope _ = Scope.open()) {
      GoldenRun run = new GoldenRun(golden, device, dtype, tolerance);
      switch (golden.op()) {
        case "conv2d" -> conv2d(run);
        case "conv_transpose2d" -> convTranspose2d(run);
        case "linear" -> linear(run);
        case "matmul" -> matmul(run);
        case "layer_norm" -> layerNorm(run, false);
        case "layer_norm_2d" -> layerNorm(run, true);
        case "batch_norm" -> batchNorm(run);
        case "gelu_erf" -> activation(run, Activation.GELU);
        case "relu" -> activation(run, Activation.RELU);
        case "sigmoid" -> activation(run, Activation.SIGMOID);
        case "silu" -> activation(run, Activation.SILU);
        case "softmax" -> softmax(run);
        case "interpolate_bilinear", "interpolate_nearest", "interpolate_bicubic" ->
            interpolate(run);
        case "max_pool2d" -> maxPool2d(run);
        case "ms_deform_attn_core" -> deformableAttention(run);
        case "cross_entropy" -> crossEntropy(run);
        case "mmiou" -> mmIou(run);
        case "optimizers" -> optimizers(run);
        default -> throw new AssertionError("no test for golden operation " + golden);
      }
    }
  }

  private static ConvGeometry geometry(GoldenCase golden) {
    return new ConvGeometry(
        golden.integer("stride", 1), golden.integer("padding", 0), golden.integer("groups", 1));
  }

  private static void conv2d(GoldenRun run) {
    Convolution ops = run.backend.convolution();
    ConvGeometry g = geometry(run.golden);
    Tensor x = run.loadMap("x");
    Tensor w = run.load("weight");
    Tensor b = run.golden.has("bias") ? run.load("bias") : null;
    Tensor gradOut = run.loadMap("grad_out");
    Tensor out = run.emptyLike(gradOut);
    ops.conv2d(x, w, b, g, false, out);
    run.checkMap(out, "out");
    Tensor gradX = run.emptyLike(x);
    ops.conv2dBackwardInput(gradOut, w, g, gradX);
    run.checkMap(gradX, "grad_x");
    Tensor gradW = run.emptyLike(w);
    Tensor gradB = b == null ? null : run.emptyLike(b);
    ops.conv2dBackwardWeight(gradOut, x, g, gradW, gradB);
    run.check(gradW, "grad_weight");
    if (b != null) {
      run.check(gradB, "grad_bias");
    }
  }

  private static void convTranspose2d(GoldenRun run) {
    Convolution ops = run.backend.convolution();
    ConvGeometry g = geometry(run.golden);
    Tensor x = run.loadMap("x");
    Tensor w = run.load("weight");
    Tensor b = run.load("bias");
    Tensor gradOut = run.loadMap("grad_out");
    Tensor out = run.emptyLike(gradOut);
    ops.convTranspose2d(x, w, b, g, out);
    run.checkMap(out, "out");
    Tensor gradX = run.emptyLike(x);
    ops.convTranspose2dBackwardInput(gradOut, w, g, gradX);
    run.checkMap(gradX, "grad_x");
    Tensor gradW = run.emptyLike(w);
    Tensor gradB = run.emptyLike(b);
    ops.convTranspose2dBackwardWeight(gradOut, x, g, gradW, gradB);
    run.check(gradW, "grad_weight");
    run.check(gradB, "grad_bias");
  }

  private static void linear(GoldenRun run) {
    Tensor x = run.load("x");
    Tensor w = run.load("weight");
    Tensor b = run.load("bias");
    Tensor gradOut = run.load("grad_out");
    Tensor out = run.emptyLike(gradOut);
    run.backend.dense().linear(x, w, b, out);
    run.check(out, "out");
    Tensor gradX = run.emptyLike(x);
    run.backend.dense().linearBackwardInput(gradOut, w, gradX);
    run.check(gradX, "grad_x");
    Tensor gradW = run.emptyLike(w);
    Tensor gradB = run.emptyLike(b);
    run.backend.dense().linearBackwardWeight(gradOut, x, gradW, gradB);
    run.check(gradW, "grad_weight");
    run.check(gradB, "grad_bias");
  }

  private static Tensor flatBatch(Tensor t) {
    return t.reshape(t.dim(0) * t.dim(1), t.dim(2), t.dim(3));
  }

  private static void matmul(GoldenRun run) {
    Tensor a = flatBatch(run.load("a"));
    Tensor b = flatBatch(run.load("b"));
    Tensor gradOut = flatBatch(run.load("grad_out"));
    Tensor out = run.emptyLike(gradOut);
    run.backend.dense().matmul(a, false, b, false, out);
    run.check(out, "out");
    Tensor gradA = run.emptyLike(a);
    run.backend.dense().matmul(gradOut, false, b, true, gradA);
    run.check(gradA, "grad_a");
    Tensor gradB = run.emptyLike(b);
    run.backend.dense().matmul(a, true, gradOut, false, gradB);
    run.check(gradB, "grad_b");
  }

  private static void layerNorm(GoldenRun run, boolean map) {
    Normalization ops = run.backend.normalization();
    boolean unbiased = run.golden.name().equals("unbiased");
    Tensor x = map ? run.loadMap("x") : run.load("x");
    Tensor w = run.load("weight");
    Tensor b = run.load("bias");
    Tensor gradOut = map ? run.loadMap("grad_out") : run.load("grad_out");
    Tensor out = run.emptyLike(x);
    Tensor mean = run.empty(x.rows());
    Tensor rstd = run.empty(x.rows());
    ops.layerNorm(x, w, b, run.golden.number("eps"), unbiased, out, mean, rstd);
    Tensor gradX = run.emptyLike(x);
    Tensor gradW = run.emptyLike(w);
    Tensor gradB = run.emptyLike(b);
    ops.layerNormBackward(gradOut, x, w, mean, rstd, unbiased, gradX, gradW, gradB);
    if (map) {
      run.checkMap(out, "out");
      run.checkMap(gradX, "grad_x");
    } else {
      run.check(out, "out");
      run.check(gradX, "grad_x");
    }
    run.check(gradW, "grad_weight");
    run.check(gradB, "grad_bias");
  }

  private static void batchNorm(GoldenRun run) {
    Normalization ops = run.backend.normalization();
    boolean training = run.golden.attributes().get("training").asBoolean();
    double eps = run.golden.number("eps");
    Tensor x = run.loadMap("x");
    Tensor w = run.load("weight");
    Tensor b = run.load("bias");
    Tensor runningMean = run.load("running_mean");
    Tensor runningVar = run.load("running_var");
    Tensor mean = runningMean;
    Tensor var = runningVar;
    if (training) {
      mean = run.emptyLike(w);
      var = run.emptyLike(w);
      ops.batchStatistics(x, mean, var);
      ops.updateRunning(
          mean, var, x.rows(), run.golden.number("momentum"), runningMean, runningVar);
      run.check(runningMean, "new_running_mean");
      run.check(runningVar, "new_running_var");
    }
    Tensor out = run.emptyLike(x);
    ops.batchNorm(x, mean, var, w, b, eps, out);
    run.checkMap(out, "out");
    Tensor gradX = run.emptyLike(x);
    Tensor gradW = run.emptyLike(w);
    Tensor gradB = run.emptyLike(b);
    ops.batchNormBackward(
        run.loadMap("grad_out"), x, mean, var, w, eps, training, gradX, gradW, gradB);
    run.checkMap(gradX, "grad_x");
    run.check(gradW, "grad_weight");
    run.check(gradB, "grad_bias");
  }

  private static void activation(GoldenRun run, Activation f) {
    Tensor x = run.load("x");
    Tensor out = run.emptyLike(x);
    run.backend.elementwise().activation(f, x, out);
    run.check(out, "out");
    Tensor gradX = run.emptyLike(x);
    run.backend.elementwise().activationBackward(f, x, run.load("grad_out"), gradX);
    run.check(gradX, "grad_x");
  }

  /** The softmax over the second last axis is that over the last one of the transposed array. */
  private static void softmax(GoldenRun run) {
    boolean last = run.golden.integer("dim", -1) == -1;
    Tensor x = last ? run.load("x") : transposed(run, run.load("x"));
    Tensor gradOut = last ? run.load("grad_out") : transposed(run, run.load("grad_out"));
    Tensor out = run.emptyLike(x);
    run.backend.attention().softmax(x, out);
    Tensor gradX = run.emptyLike(x);
    run.backend.attention().softmaxBackward(out, gradOut, gradX);
    run.check(last ? out : transposed(run, out), "out");
    run.check(last ? gradX : transposed(run, gradX), "grad_x");
  }

  private static Tensor transposed(GoldenRun run, Tensor x) {
    int batch = x.dim(0) * x.dim(1);
    Tensor y = run.empty(x.dim(0), x.dim(1), x.dim(3), x.dim(2));
    run.backend.elementwise().transpose(x, batch, x.dim(2), x.dim(3), y);
    return y;
  }

  private static void interpolate(GoldenRun run) {
    Tensor x = run.loadMap("x");
    int[] stored = run.golden.read("out").shape();
    Tensor out = run.empty(stored[0], stored[2], stored[3], stored[1]);
    var factor = run.golden.attributes().get("scale_factor");
    ResizeGeometry g =
        new ResizeGeometry(
            ResizeGeometry.Mode.valueOf(
                run.golden.op().substring("interpolate_".length()).toUpperCase(Locale.ROOT)),
            run.golden.attributes().get("align_corners").asBoolean(),
            factor.isNull() ? (double) x.dim(1) / out.dim(1) : 1 / factor.asDouble(),
            factor.isNull() ? (double) x.dim(2) / out.dim(2) : 1 / factor.asDouble());
    run.backend.resample().resize(x, g, out);
    run.checkMap(out, "out");
    Tensor gradX = run.emptyLike(x);
    run.backend.resample().resizeBackward(run.loadMapGradient(out), g, gradX);
    run.checkMap(gradX, "grad_x");
  }

  private static void maxPool2d(GoldenRun run) {
    int kernel = run.golden.integer("kernel", 0);
    int stride = run.golden.integer("stride", 0);
    int padding = run.golden.integer("padding", 0);
    Tensor x = run.loadMap("x");
    Tensor gradOut = run.loadMap("grad_out");
    Tensor out = run.emptyLike(gradOut);
    Tensor argmax = Tensor.empty(out.shape(), DType.INT32, out.device());
    run.backend.resample().maxPool2d(x, kernel, stride, padding, out, argmax);
    run.checkMap(out, "out");
    Tensor gradX = run.emptyLike(x);
    run.backend.resample().maxPool2dBackward(gradOut, argmax, kernel, stride, padding, gradX);
    run.checkMap(gradX, "grad_x");
  }

  /**
   * The golden locations are normalised, ours are reference point and offset in pixels: with every
   * reference at (0, 0) the offset is the location times the level's size, and the gradient by the
   * location that by the offset times the size.
   */
  private static void deformableAttention(GoldenRun run) {
    Sampling ops = run.backend.sampling();
    Tensor value = run.load("value");
    Tensor locations = run.load("sampling_locations");
    Tensor weights = run.load("attention_weights");
    int[] s = locations.shape().toArray();
    int heads = s[2];
    int points = s[4];
    int[] heights = new int[s[3]];
    int[] widths = new int[s[3]];
    for (int l = 0; l < s[3]; l++) {
      heights[l] = run.golden.attributes().get("spatial_shapes").get(l).get(0).asInt();
      widths[l] = run.golden.attributes().get("spatial_shapes").get(l).get(1).asInt();
    }
    Sampling.Levels levels = new Sampling.Levels(heights, widths);
    value = value.reshape(value.dim(0), value.dim(1), heads * value.dim(3));
    Tensor offsets = scaleBySizes(locations, levels, points);
    offsets = offsets.reshape(s[0], s[1], heads * s[3] * points * 2);
    weights = weights.reshape(s[0], s[1], heads * s[3] * points);
    Tensor reference = run.empty(s[1], 2);
    run.backend.elementwise().fill(reference, 0);
    Tensor gradOut = run.load("grad_out");
    Tensor out = run.emptyLike(gradOut);
    ops.deformableAttention(value, levels, reference, offsets, weights, heads, points, out);
    run.check(out, "out");
    Tensor gradValue = run.emptyLike(value);
    Tensor gradOffsets = run.emptyLike(offsets);
    Tensor gradWeights = run.emptyLike(weights);
    ops.deformableAttentionBackward(
        gradOut,
        value,
        levels,
        reference,
        offsets,
        weights,
        heads,
        points,
        gradValue,
        gradOffsets,
        gradWeights);
    run.check(gradValue, "grad_value");
    run.check(gradWeights, "grad_attention_weights");
    run.check(scaleBySizes(gradOffsets, levels, points), "grad_sampling_locations");
  }

  /** x times the width or height of its level; x is [.., L, P, 2] flattened. */
  private static Tensor scaleBySizes(Tensor x, Sampling.Levels levels, int points) {
    Tensor y = x.emptyLike();
    for (int i = 0; i < x.elements(); i++) {
      int level = i / 2 / points % levels.count();
      y.set(i, x.at(i) * (i % 2 == 0 ? levels.widths() : levels.heights())[level]);
    }
    return y;
  }

  private static void crossEntropy(GoldenRun run) {
    Tensor x = run.loadMap("x");
    Tensor labels = run.loadLabels("label");
    ResizeGeometry toLabels = null;
    Tensor logits = x;
    if (x.dim(2) != labels.dim(2)) {
      toLabels = new ResizeGeometry(ResizeGeometry.Mode.BILINEAR, true, 1, 1);
      logits = run.empty(x.dim(0), labels.dim(1), labels.dim(2), x.dim(3));
      run.backend.resample().resize(x, toLabels, logits);
    }
    Tensor loss = run.empty(1);
    Tensor gradLogits = run.emptyLike(logits);
    run.backend.loss().crossEntropy(logits, labels, 255, loss, gradLogits);
    run.check(loss, "out");
    Tensor gradX = gradLogits;
    if (toLabels != null) {
      gradX = run.emptyLike(x);
      run.backend.resample().resizeBackward(gradLogits, toLabels, gradX);
    }
    run.checkMap(gradX, "grad_x");
  }

  private static void mmIou(GoldenRun run) {
    Tensor x = run.loadMap("x");
    Tensor loss = run.empty(1);
    Tensor gradX = run.emptyLike(x);
    run.backend.loss().mmIou(x, run.loadLabels("label"), 255, loss, gradX);
    run.check(loss, "out");
    run.checkMap(gradX, "grad_x");
  }

  private static void optimizers(GoldenRun run) {
    GoldenCase golden = run.golden;
    double lr = golden.number("lr");
    double decay = golden.number("weight_decay");
    double beta1 = golden.attributes().get("betas").get(0).asDouble();
    double beta2 = golden.attributes().get("betas").get(1).asDouble();
    double[] gradients = golden.read("gradients").values();
    for (String kind : List.of("adamw", "adam", "sgd")) {
      double[] trace = golden.read(kind + "_trace").values();
      Tensor p = run.load("start");
      int n = (int) p.elements();
      Tensor first = run.emptyLike(p);
      Tensor second = run.emptyLike(p);
      if (!kind.equals("sgd")) {
        run.backend.elementwise().fill(first, 0);
        run.backend.elementwise().fill(second, 0);
      }
      for (int step = 0; step < gradients.length / n; step++) {
        Tensor grad = run.emptyLike(p);
        double[] expected = new double[n];
        for (int i = 0; i < n; i++) {
          grad.set(i, gradients[step * n + i]);
          expected[i] = trace[step * n + i];
        }
        if (kind.equals("sgd")) {
          double momentum = golden.number("momentum_sgd");
          run.backend.optimize().sgd(p, grad, first, lr, momentum, decay, step == 0);
        } else {
          run.backend
              .optimize()
              .adam(
                  p,
                  grad,
                  first,
                  second,
                  lr,
                  beta1,
                  beta2,
                  golden.number("eps"),
                  decay,
                  kind.equals("adamw"),
                  step + 1);
        }
        run.compare(GoldenRun.values(p), expected, kind + " step " + (step + 1));
      }
    }
  }
}
