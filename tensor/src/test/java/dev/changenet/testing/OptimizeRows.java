package dev.changenet.testing;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Optimize;
import java.util.ArrayList;
import java.util.List;

/** Op table rows of {@link Optimize}. */
final class OptimizeRows {
  private OptimizeRows() {}

  private static Optimize ops(OpCall c) {
    return c.backend().optimize();
  }

  static void addTo(OpTable.Rows rows) {
    for (int n : new int[] {1, 15, 17, 1009, 70_001}) {
      for (long step : new long[] {1, 7}) {
        for (boolean decoupled : new boolean[] {true, false}) {
          rows.add(
              "optimize.adam " + (decoupled ? "AdamW" : "Adam") + " n=" + n + " step " + step,
              c ->
                  ops(c)
                      .adam(
                          c.inOut("parameter", c.random(n)),
                          c.random(n),
                          c.inOut("expAvg", c.uniform(0, 0.1, n)),
                          c.inOut("expAvgSq", c.uniform(0.1, 0.09, n)),
                          1e-2,
                          0.9,
                          0.999,
                          1e-8,
                          0.1,
                          decoupled,
                          step));
        }
        rows.add(
            "optimize.sgd n=" + n + " step " + step,
            c ->
                ops(c)
                    .sgd(
                        c.inOut("parameter", c.random(n)),
                        c.random(n),
                        step == 1 ? c.output("buffer", n) : c.inOut("buffer", c.random(n)),
                        1e-2,
                        0.9,
                        0.1,
                        step == 1));
      }
    }
    addAll(rows);
    for (double maxNorm : new double[] {0.1, 1e6, Double.POSITIVE_INFINITY}) {
      for (double scale : new double[] {1, 0x1p-7}) {
        rows.add(
            "optimize.clip to " + maxNorm + " scale " + scale,
            c -> {
              List<Tensor> grads = new ArrayList<>();
              for (int n : MANY) {
                grads.add(c.inOut("grad" + n, c.random(n)));
              }
              ops(c).clip(grads, maxNorm, scale, c.output("norm", 1));
            });
      }
    }
    rows.add(
        "optimize.sumsOfSquares",
        c -> {
          List<Tensor> tensors = new ArrayList<>();
          for (int n : MANY) {
            tensors.add(c.random(n));
          }
          tensors.add(2, c.random(0));
          c.result("sums", ops(c).sumsOfSquares(tensors));
        });
    rows.add(
        "optimize.sumsOfSquares of nothing",
        c -> c.result("sums", ops(c).sumsOfSquares(List.of(c.random(0)))));
    rows.add(
        "optimize.average",
        c -> {
          List<Optimize.AverageTensors> tensors = new ArrayList<>();
          for (int n : MANY) {
            tensors.add(
                new Optimize.AverageTensors(c.inOut("average" + n, c.random(n)), c.random(n)));
          }
          ops(c).average(tensors, 0.9);
        });
  }

  /** Sizes of one element, of odd numbers, and of more than one chunk of a launch over all. */
  private static final int[] MANY = {1, 33, 40_003, 4, 16_384, 7};

  /** Guards of an update over all, the last two of which forbid it. */
  private static final double[][] GUARDS = {null, {3e38}, {Double.NEGATIVE_INFINITY}, {Double.NaN}};

  private static void addAll(OpTable.Rows rows) {
    for (boolean decoupled : new boolean[] {true, false}) {
      for (double[] guard : GUARDS) {
        rows.add(
            "optimize.adamAll " + (decoupled ? "AdamW" : "Adam") + guarded(guard),
            c -> {
              List<Optimize.AdamTensors> tensors = new ArrayList<>();
              for (int n : MANY) {
                tensors.add(
                    new Optimize.AdamTensors(
                        c.inOut("parameter" + n, c.random(n)),
                        c.random(n),
                        c.inOut("expAvg" + n, c.uniform(0, 0.1, n)),
                        c.inOut("expAvgSq" + n, c.uniform(0.1, 0.09, n))));
              }
              Tensor value = guard == null ? null : c.values(guard, 1);
              ops(c).adamAll(tensors, 1e-2, 0.9, 0.999, 1e-8, 0.1, decoupled, 3, value);
            });
      }
    }
    for (boolean first : new boolean[] {true, false}) {
      for (double[] guard : GUARDS) {
        rows.add(
            "optimize.sgdAll" + (first ? " first step" : "") + guarded(guard),
            c -> {
              List<Optimize.SgdTensors> tensors = new ArrayList<>();
              for (int n : MANY) {
                boolean written = first && (guard == null || Double.isFinite(guard[0]));
                tensors.add(
                    new Optimize.SgdTensors(
                        c.inOut("parameter" + n, c.random(n)),
                        c.random(n),
                        written ? c.output("buffer" + n, n) : c.inOut("buffer" + n, c.random(n))));
              }
              Tensor value = guard == null ? null : c.values(guard, 1);
              ops(c).sgdAll(tensors, 1e-2, 0.9, 0.1, first, value);
            });
      }
    }
  }

  private static String guarded(double[] guard) {
    return guard == null ? "" : " guard " + guard[0];
  }
}
