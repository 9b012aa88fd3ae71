package dev.changenet.export;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Variable;
import dev.changenet.config.ExportSpec;
import dev.changenet.config.SegmentDataSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.onnx.interpreter.NdArray;
import dev.changenet.onnx.interpreter.OnnxEngine;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.train.Interruption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Shows that a written file computes what the checkpoint's network does: the network's outputs for
 * some pairs are kept, then something else than our kernels runs the file on the same pairs.
 */
final class Proof {
  /** A batch for both sides: pictures [n, height, width, 3] and the network's outputs. */
  private record Run(int n, int height, int width, float[] a, float[] b, List<NdArray> outputs) {}

  private final List<Run> runs;
  private final ProofSamples samples;

  private Proof(List<Run> runs, ProofSamples samples) {
    this.runs = runs;
    this.samples = samples;
  }

  /**
   * How well a file agrees.
   *
   * @param pairs pairs compared
   * @param sizes sizes they had, height × width
   * @param output the output with the largest relative difference
   * @param difference largest difference in that output
   * @param largest largest absolute value of that output
   * @param agreement share of pixels of output_final with the same largest score, 0 to 1
   */
  record Result(
      int pairs,
      List<String> sizes,
      String origin,
      String engine,
      String output,
      double difference,
      double largest,
      double agreement,
      double seconds) {
    double relative() {
      return difference == 0 ? 0 : difference / largest;
    }

    boolean holds(double tolerance) {
      // Written so that NaN fails.
      return relative() <= tolerance;
    }

    String describe(double tolerance) {
      return String.format(
          Locale.ROOT,
          "%d %s (%s) of %s, largest difference %.2g of %.3g in %s (%.1g of it, limit %.0e), masks"
              + " agree on %.2f %% of pixels (%s, %.1f s)",
          pairs,
          pairs == 1 ? "pair" : "pairs",
          origin,
          String.join(", ", sizes),
          difference,
          largest,
          output,
          relative(),
          tolerance,
          100 * agreement,
          engine,
          seconds);
    }
  }

  /**
   * Runs {@code net} on the sample pairs and keeps the outputs.
   *
   * <p>A fixed batch decides how many pairs go at a time. With an open one they go two at a time,
   * an odd first one alone; with an open size the last ones are tried in two more sizes.
   */
  static Proof prepare(
      ChangeNet net, ExportSpec export, SegmentDataSpec data, Interruption interruption) {
    int count = export.proof().pairs();
    int height = export.inputHeight();
    int width = export.inputWidth();
    ProofSamples samples = ProofSamples.of(data, count, height, width);
    net.eval();
    List<Run> runs = new ArrayList<>();
    for (int i = 0; i < count; ) {
      interruption.check();
      int n = export.batchSize() > 0 ? export.batchSize() : i == 0 && count % 2 == 1 ? 1 : 2;
      runs.add(run(net, samples, data, i, n, height, width));
      i += n;
    }
    if (export.dynamicSize()) {
      int step = OnnxExport.SIZE_STEP;
      int n = Math.max(1, export.batchSize());
      runs.add(run(net, samples, data, 0, n, 3 * step, 5 * step));
      runs.add(run(net, samples, data, 0, n, 6 * step, 4 * step));
    }
    return new Proof(runs, samples);
  }

  private static Run run(
      ChangeNet net,
      ProofSamples samples,
      SegmentDataSpec data,
      int first,
      int n,
      int height,
      int width) {
    float[] a = samples.batch(data, false, first, n, height, width);
    float[] b = samples.batch(data, true, first, n, height, width);
    try (Scope _ = Scope.open();
        NoGrad _ = NoGrad.open()) {
      List<Variable> outputs =
          net.forward(
              new Variable(Tensor.of(a, n, height, width, 3)),
              new Variable(Tensor.of(b, n, height, width, 3)));
      return new Run(
          n, height, width, a, b, outputs.stream().map(v -> channelsFirst(v.data())).toList());
    }
  }

  private static NdArray channelsFirst(Tensor t) {
    return channelsFirst(t.toFloatArray(), t.dim(0), t.dim(1), t.dim(2), t.dim(3));
  }

  /** [n, h, w, c] → [n, c, h, w]. */
  private static NdArray channelsFirst(float[] in, int n, int h, int w, int c) {
    float[] out = new float[in.length];
    for (int i = 0; i < n; i++) {
      for (int p = 0; p < h * w; p++) {
        for (int k = 0; k < c; k++) {
          out[(i * c + k) * h * w + p] = in[(i * h * w + p) * c + k];
        }
      }
    }
    return NdArray.of(out, n, c, h, w);
  }

  /** Runs {@code file} on the same pairs. */
  Result compare(Path file, OnnxEngine.Choice choice, Interruption interruption) {
    long start = System.nanoTime();
    Worst worst = new Worst();
    int pairs = 0;
    List<String> sizes = new ArrayList<>();
    String engineName;
    try (OnnxEngine engine = OnnxEngine.open(file, choice)) {
      for (Run run : runs) {
        interruption.check();
        pairs += run.n();
        String size = run.height() + " x " + run.width();
        if (!sizes.contains(size)) {
          sizes.add(size);
        }
        Map<String, NdArray> outputs =
            engine.run(
                Map.of(
                    OnnxExport.INPUTS.get(0),
                    channelsFirst(run.a(), run.n(), run.height(), run.width(), 3),
                    OnnxExport.INPUTS.get(1),
                    channelsFirst(run.b(), run.n(), run.height(), run.width(), 3)));
        for (int k = 0; k < OnnxExport.OUTPUTS.size(); k++) {
          String name = OnnxExport.OUTPUTS.get(k);
          worst.compare(name, run.outputs().get(k), outputs.get(name));
        }
        worst.masks(run.outputs().getLast(), outputs.get(OnnxExport.OUTPUTS.getLast()));
      }
      interruption.check();
      engineName = engine.name();
    }
    return new Result(
        pairs,
        List.copyOf(sizes),
        samples.origin(),
        engineName,
        worst.output,
        worst.difference,
        worst.largest,
        (double) worst.same / worst.pixels,
        (System.nanoTime() - start) / 1e9);
  }

  /** The largest difference so far, and the masks. */
  private static final class Worst {
    private String output = OnnxExport.OUTPUTS.getLast();
    private double difference;
    private double largest;
    private double relative = -1;
    private long same;
    private long pixels;

    void compare(String name, NdArray expected, NdArray actual) {
      if (actual == null || !java.util.Arrays.equals(actual.dims(), expected.dims())) {
        throw new ChangeNetException(
            "export.proof: the file's " + name + " is " + actual + ", expected " + expected);
      }
      double apart = 0;
      double peak = 0;
      float[] e = expected.floats();
      float[] v = actual.floats();
      for (int i = 0; i < e.length; i++) {
        double d = Math.abs((double) v[i] - e[i]);
        // Keeps NaN, which no comparison is true for.
        apart = d <= apart ? apart : d;
        peak = Math.max(peak, Math.abs(e[i]));
      }
      double share = apart == 0 ? 0 : apart / peak;
      if (!(share <= relative)) {
        relative = share;
        output = name;
        difference = apart;
        largest = peak;
      }
    }

    void masks(NdArray expected, NdArray actual) {
      int[] d = expected.dims();
      int size = d[2] * d[3];
      for (int n = 0; n < d[0]; n++) {
        for (int p = 0; p < size; p++) {
          int from = n * d[1] * size + p;
          same += best(expected, from, d[1], size) == best(actual, from, d[1], size) ? 1 : 0;
          pixels++;
        }
      }
    }

    private static int best(NdArray scores, int from, int classes, int step) {
      int best = 0;
      for (int k = 1; k < classes; k++) {
        if (scores.floats()[from + k * step] > scores.floats()[from + best * step]) {
          best = k;
        }
      }
      return best;
    }
  }
}
