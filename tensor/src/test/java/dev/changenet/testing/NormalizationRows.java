package dev.changenet.testing;

import dev.changenet.tensor.backend.Normalization;

/** Op table rows of {@link Normalization}. */
final class NormalizationRows {
  /** Rows and channels. */
  private static final int[][] SIZES = {
    {1, 2}, {3, 7}, {15, 16}, {33, 17}, {50, 24}, {7, 192}, {517, 33}, {2050, 48}
  };

  private NormalizationRows() {}

  private static Normalization ops(OpCall c) {
    return c.backend().normalization();
  }

  static void addTo(OpTable.Rows rows) {
    for (int[] s : SIZES) {
      for (boolean unbiased : new boolean[] {false, true}) {
        addLayerNorm(rows, s[0], s[1], unbiased);
      }
      addBatchNorm(rows, s[0], s[1]);
    }
    addPartialBackward(rows);
    rows.add(
        "normalization.layerNorm large mean",
        1e-3,
        c ->
            ops(c)
                .layerNorm(
                    c.uniform(100, 1, 5, 96),
                    c.uniform(1, 0.1, 96),
                    c.random(96),
                    1e-6,
                    false,
                    c.output("out", 5, 96),
                    c.output("mean", 5),
                    c.output("rstd", 5)));
    rows.add(
        "normalization.batchStatistics large mean",
        1e-4,
        c ->
            ops(c)
                .batchStatistics(
                    c.uniform(100, 1, 700, 19), c.output("mean", 19), c.output("var", 19)));
  }

  private static void addLayerNorm(OpTable.Rows rows, int r, int n, boolean unbiased) {
    String what = " " + r + "x" + n + (unbiased ? " unbiased" : "");
    rows.add(
        "normalization.layerNorm" + what,
        c ->
            ops(c)
                .layerNorm(
                    c.uniform(0.3, 2, r, n),
                    c.uniform(1, 0.5, n),
                    c.random(n),
                    1e-6,
                    unbiased,
                    c.output("out", r, n),
                    c.output("mean", r),
                    c.output("rstd", r)));
    rows.add(
        "normalization.layerNormBackward" + what,
        c ->
            ops(c)
                .layerNormBackward(
                    c.random(r, n),
                    c.uniform(0.3, 2, r, n),
                    c.uniform(1, 0.5, n),
                    c.uniform(0.3, 0.1, r),
                    c.uniform(0.9, 0.2, r),
                    unbiased,
                    c.output("gradX", r, n),
                    c.output("gradW", n),
                    c.output("gradB", n)));
  }

  private static void addBatchNorm(OpTable.Rows rows, int r, int n) {
    String what = " " + r + "x" + n;
    rows.add(
        "normalization.batchStatistics" + what,
        c ->
            ops(c)
                .batchStatistics(c.uniform(0.5, 2, r, n), c.output("mean", n), c.output("var", n)));
    rows.add(
        "normalization.batchNorm" + what,
        c ->
            ops(c)
                .batchNorm(
                    c.uniform(0.5, 2, r, n),
                    c.uniform(0.5, 0.1, n),
                    c.uniform(1.3, 0.3, n),
                    c.uniform(1, 0.5, n),
                    c.random(n),
                    1e-5,
                    c.output("out", r, n)));
    for (boolean batchStats : new boolean[] {true, false}) {
      rows.add(
          "normalization.batchNormBackward" + what + (batchStats ? " train" : " eval"),
          c ->
              ops(c)
                  .batchNormBackward(
                      c.random(r, n),
                      c.uniform(0.5, 2, r, n),
                      c.uniform(0.5, 0.1, n),
                      c.uniform(1.3, 0.3, n),
                      c.uniform(1, 0.5, n),
                      1e-5,
                      batchStats,
                      c.output("gradX", r, n),
                      c.output("gradW", n),
                      c.output("gradB", n)));
    }
    rows.add(
        "normalization.updateRunning" + what,
        c ->
            ops(c)
                .updateRunning(
                    c.random(n),
                    c.uniform(1, 0.5, n),
                    r + 1,
                    0.1,
                    c.inOut("runningMean", c.random(n)),
                    c.inOut("runningVar", c.uniform(1, 0.5, n))));
  }

  /** Each result of the backward passes may be left out. */
  private static void addPartialBackward(OpTable.Rows rows) {
    int r = 9;
    int n = 21;
    for (String only : new String[] {"gradX", "gradW", "gradB"}) {
      rows.add(
          "normalization.layerNormBackward only " + only,
          c ->
              ops(c)
                  .layerNormBackward(
                      c.random(r, n),
                      c.random(r, n),
                      c.random(n),
                      c.uniform(0, 0.1, r),
                      c.uniform(1.5, 0.2, r),
                      false,
                      only.equals("gradX") ? c.output("gradX", r, n) : null,
                      only.equals("gradW") ? c.output("gradW", n) : null,
                      only.equals("gradB") ? c.output("gradB", n) : null));
      rows.add(
          "normalization.batchNormBackward only " + only,
          c ->
              ops(c)
                  .batchNormBackward(
                      c.random(r, n),
                      c.random(r, n),
                      c.uniform(0, 0.1, n),
                      c.uniform(0.4, 0.1, n),
                      c.random(n),
                      1e-5,
                      true,
                      only.equals("gradX") ? c.output("gradX", r, n) : null,
                      only.equals("gradW") ? c.output("gradW", n) : null,
                      only.equals("gradB") ? c.output("gradB", n) : null));
    }
  }
}
