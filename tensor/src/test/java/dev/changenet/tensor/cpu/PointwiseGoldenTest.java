package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CPU kernels against PyTorch's results of single operations, which are stored as NCHW. */
class PointwiseGoldenTest {
  private final CpuElementwise elementwise = new CpuElementwise();
  private final CpuNormalization normalization = new CpuNormalization();
  private final CpuAttention attention = new CpuAttention();
  private final CpuResample resample = new CpuResample();
  private final CpuLoss losses = new CpuLoss();

  private static Npy golden(String folder, String name) {
    return Npy.read(ReferenceData.golden("ops/" + folder + "/" + name + ".npy"));
  }

  private static Tensor flat(String folder, String name) {
    Npy a = golden(folder, name);
    return Tensor.of(a.floats(), a.shape());
  }

  /** Reads an NCHW array as an NHWC tensor. */
  private Tensor image(String folder, String name) {
    Tensor x = flat(folder, name);
    Tensor y = unwritten(x.dim(0), x.dim(2), x.dim(3), x.dim(1));
    elementwise.transpose(x, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), y);
    return y;
  }

  /** Compares an NHWC tensor with an NCHW array. */
  private void assertImage(Tensor y, String folder, String name, double tolerance) {
    Tensor x = unwritten(y.dim(0), y.dim(3), y.dim(1), y.dim(2));
    elementwise.transpose(y, y.dim(0), y.dim(1) * y.dim(2), y.dim(3), x);
    assertClose(x.floats(), golden(folder, name).values(), tolerance);
  }

  @ParameterizedTest
  @CsvSource({"gelu_erf/basic,GELU", "relu/basic,RELU", "sigmoid/basic,SIGMOID"})
  void activations(String folder, Activation f) {
    Tensor x = flat(folder, "x");
    Tensor out = unwritten(4, 33);
    Tensor gx = unwritten(4, 33);
    elementwise.activation(f, x, out);
    elementwise.activationBackward(f, x, flat(folder, "grad_out"), gx);
    assertClose(out.floats(), golden(folder, "out").values(), 5e-7);
    assertClose(gx.floats(), golden(folder, "grad_x").values(), 1e-6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"last", "second_last"})
  void softmax(String name) {
    String folder = "softmax/" + name;
    Tensor x = flat(folder, "x");
    Tensor g = flat(folder, "grad_out");
    int outer = x.dim(0) * x.dim(1);
    boolean swap = name.equals("second_last");
    int rows = x.dim(2);
    int cols = x.dim(3);
    if (swap) {
      Tensor xt = unwritten(outer, cols, rows);
      Tensor gt = unwritten(outer, cols, rows);
      elementwise.transpose(x, outer, rows, cols, xt);
      elementwise.transpose(g, outer, rows, cols, gt);
      x = xt;
      g = gt;
    }
    Tensor out = x.emptyLike();
    Tensor gx = x.emptyLike();
    attention.softmax(x, out);
    attention.softmaxBackward(out, g, gx);
    if (swap) {
      Tensor back = unwritten(outer, rows, cols);
      elementwise.transpose(out, outer, cols, rows, back);
      assertClose(back.floats(), golden(folder, "out").values(), 5e-7);
      elementwise.transpose(gx, outer, cols, rows, back);
      assertClose(back.floats(), golden(folder, "grad_x").values(), 1e-6);
    } else {
      assertClose(out.floats(), golden(folder, "out").values(), 5e-7);
      assertClose(gx.floats(), golden(folder, "grad_x").values(), 1e-6);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "layer_norm/eps_1e-05,1e-5,false",
    "layer_norm/eps_1e-06,1e-6,false",
    "layer_norm_2d/biased,1e-6,false",
    "layer_norm_2d/unbiased,1e-6,true"
  })
  void layerNorm(String folder, double eps, boolean unbiased) {
    boolean map = folder.startsWith("layer_norm_2d");
    Tensor x = map ? image(folder, "x") : flat(folder, "x");
    Tensor g = map ? image(folder, "grad_out") : flat(folder, "grad_out");
    Tensor w = flat(folder, "weight");
    Tensor out = x.emptyLike();
    Tensor gx = x.emptyLike();
    Tensor gw = w.emptyLike();
    Tensor gb = w.emptyLike();
    Tensor mean = unwritten(x.rows());
    Tensor rstd = unwritten(x.rows());
    normalization.layerNorm(x, w, flat(folder, "bias"), eps, unbiased, out, mean, rstd);
    normalization.layerNormBackward(g, x, w, mean, rstd, unbiased, gx, gw, gb);
    if (map) {
      assertImage(out, folder, "out", 2e-6);
      assertImage(gx, folder, "grad_x", 2e-6);
    } else {
      assertClose(out.floats(), golden(folder, "out").values(), 2e-6);
      assertClose(gx.floats(), golden(folder, "grad_x").values(), 2e-6);
    }
    assertClose(gw.floats(), golden(folder, "grad_weight").values(), 2e-6);
    assertClose(gb.floats(), golden(folder, "grad_bias").values(), 2e-6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "eval"})
  void batchNorm(String name) {
    String folder = "batch_norm/" + name;
    boolean train = name.equals("train");
    Tensor x = image(folder, "x");
    Tensor w = flat(folder, "weight");
    Tensor runningMean = flat(folder, "running_mean");
    Tensor runningVar = flat(folder, "running_var");
    Tensor mean = train ? w.emptyLike() : runningMean;
    Tensor var = train ? w.emptyLike() : runningVar;
    if (train) {
      normalization.batchStatistics(x, mean, var);
      normalization.updateRunning(mean, var, x.rows(), 0.1, runningMean, runningVar);
      assertClose(runningMean.floats(), golden(folder, "new_running_mean").values(), 5e-7);
      assertClose(runningVar.floats(), golden(folder, "new_running_var").values(), 5e-7);
    }
    Tensor out = x.emptyLike();
    Tensor gx = x.emptyLike();
    Tensor gw = w.emptyLike();
    Tensor gb = w.emptyLike();
    normalization.batchNorm(x, mean, var, w, flat(folder, "bias"), 1e-5, out);
    normalization.batchNormBackward(
        image(folder, "grad_out"), x, mean, var, w, 1e-5, train, gx, gw, gb);
    assertImage(out, folder, "out", 2e-6);
    assertImage(gx, folder, "grad_x", 2e-6);
    assertClose(gw.floats(), golden(folder, "grad_weight").values(), 2e-6);
    assertClose(gb.floats(), golden(folder, "grad_bias").values(), 2e-6);
  }

  /** A factor of 0 means that the output size was given. */
  @ParameterizedTest
  @CsvSource({
    "bilinear/up2_scale,2,false", "bilinear/up_size,0,false", "bilinear/up4_scale,4,false",
    "bilinear/half_scale,0.5,false", "bilinear/down_size,0,false", "bilinear/up_ac,0,true",
    "bilinear/down_ac,0,true", "bilinear/to1_ac,0,true", "bilinear/same_size,0,false",
    "nearest/down,0,false", "nearest/up,0,false", "nearest/odd,0,false"
  })
  void interpolate(String name, double factor, boolean alignCorners) {
    String folder = "interpolate_" + name;
    Tensor x = image(folder, "x");
    Tensor out = image(folder, "out").emptyLike();
    Tensor gx = x.emptyLike();
    Tensor g =
        name.equals("bilinear/to1_ac")
            ? Tensor.of(new float[] {1}, 1, 1, 1, 1)
            : image(folder, "grad_out");
    ResizeGeometry geometry =
        new ResizeGeometry(
            name.startsWith("bilinear") ? Mode.BILINEAR : Mode.NEAREST,
            alignCorners,
            factor != 0 ? 1 / factor : (double) x.dim(1) / out.dim(1),
            factor != 0 ? 1 / factor : (double) x.dim(2) / out.dim(2));
    resample.resize(x, geometry, out);
    resample.resizeBackward(g, geometry, gx);
    assertImage(out, folder, "out", 1e-6);
    assertImage(gx, folder, "grad_x", 1e-6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cross_entropy/plain", "cross_entropy/ignore", "mmiou/three_classes"})
  void losses(String folder) {
    Tensor x = image(folder, "x");
    Npy label = golden(folder, "label");
    int[] labels = new int[label.values().length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = (int) label.values()[i];
    }
    Tensor target = Tensor.of(labels, 2, 8, 8);
    Tensor loss = unwritten(1);
    Tensor gx = x.emptyLike();
    if (folder.startsWith("mmiou")) {
      losses.mmIou(x, target, 255, loss, gx);
    } else {
      losses.crossEntropy(x, target, 255, loss, gx);
    }
    assertThat(loss.item()).isCloseTo(golden(folder, "out").values()[0], within(5e-7));
    assertImage(gx, folder, "grad_x", 1e-8);
  }
}
