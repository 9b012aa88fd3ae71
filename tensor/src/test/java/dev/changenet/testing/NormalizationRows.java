package dev.changenet.testing;

import dev.changenet.tensor.backend.Normalization;

/** Op table rows of {@link Normalization}. */
final class NormalizationRows {
  /** Rows and channels. */
  private static final int[][] SIZES = {
    {1, 2},
    {3, 7},
    {15, 16},
    {33, 17},
    {50, 24},
    {7, 192},
    {517, 33},
    {2050, 48},
    {70, 256},
    {37, 384},
    {9, 512},
    {35, 1024},
    {3, 1536},
    {2, 2056}
  };

  private NormalizationRows() {}

  private static Normalization ops(OpCall c) {
    return c.backend().normalization();
  }

  static void addTo(OpTable.Rows rows) {
    addLayerNorm(rows, 0, 24, false);
    for (int[] s : SIZES) {
      for (boolean unbiased : new boolean[] {false, true}) {
        addLayerNorm(rows, s[0], s[1], unbiased);
      }
      addBatchNorm(rows, 1, s[0], s[1]);
    }
    addBatchNorm(rows, 2, 2, 1);
    addBatchNorm(rows, 2, 517, 33);
    addBatchNorm(rows, 2, 1031, 48);
    addBatchNorm(rows, 3, 37, 384);
    addBatchNorm(rows, 2, 3, 1536);
    addPartialBackward(rows);
    rows.add(
        "normalization.layerNorm large mean",
        1e-3,
        c ->
            ops(c)
                .layerNorm(
                    c.uniform(100, 1, 5, 96),
                    c.parameter(1, 0.1, 96),
                    c.parameter(0, 1, 96),
                    1e-6,
                    false,
                    c.output("out", 5, 96),
                    c.parameterOutput("mean", 5),
                    c.parameterOutput("rstd", 5)));
    rows.add(
        "normalization.batchStatistics large mean",
        1e-4,
        c ->
            ops(c)
                .batchStatistics(
                    c.uniform(100, 1, 700, 19),
                    c.parameterOutput("mean", 19),
                    c.parameterOutput("var", 19)));
  }

  private static void addLayerNorm(OpTable.Rows rows, int r, int n, boolean unbiased) {
    String what = " " + r + "x" + n + (unbiased ? " unbiased" : "");
    rows.add(
        "normalization.layerNorm" + what,
        c ->
            ops(c)
                .layerNorm(
                    c.uniform(0.3, 2, r, n),
                    c.parameter(1, 0.5, n),
                    c.parameter(0, 1, n),
                    1e-6,
                    unbiased,
                    c.output("out", r, n),
                    c.parameterOutput("mean", r),
                    c.parameterOutput("rstd", r)));
    rows.add(
        "normalization.layerNormBackward" + what,
        c ->
            ops(c)
                .layerNormBackward(
                    c.random(r, n),
                    c.uniform(0.3, 2, r, n),
                    c.parameter(1, 0.5, n),
                    c.parameter(0.3, 0.1, r),
                    c.parameter(0.9, 0.2, r),
                    unbiased,
                    c.output("gradX", r, n),
                    c.parameterOutput("gradW", n),
                    c.parameterOutput("gradB", n)));
  }

  private static void addBatchNorm(OpTable.Rows rows, int groups, int r, int n) {
    int all = groups * r;
    int statistics = groups * n;
    String what = " " + (groups == 1 ? "" : groups + " groups of ") + r + "x" + n;
    rows.add(
        "normalization.batchStatistics" + what,
        c ->
            ops(c)
                .batchStatistics(
                    c.uniform(0.5, 2, all, n),
                    c.parameterOutput("mean", statistics),
                    c.parameterOutput("var", statistics)));
    rows.add(
        "normalization.batchNorm" + what,
        c ->
            ops(c)
                .batchNorm(
                    c.uniform(0.5, 2, all, n),
                    c.parameter(0.5, 0.1, statistics),
                    c.parameter(1.3, 0.3, statistics),
                    c.parameter(1, 0.5, n),
                    c.parameter(0, 1, n),
                    1e-5,
                    c.output("out", all, n)));
    for (boolean batchStats : new boolean[] {true, false}) {
      rows.add(
          "normalization.batchNormBackward" + what + (batchStats ? " train" : " eval"),
          c ->
              ops(c)
                  .batchNormBackward(
                      c.random(all, n),
                      c.uniform(0.5, 2, all, n),
                      c.parameter(0.5, 0.1, statistics),
                      c.parameter(1.3, 0.3, statistics),
                      c.parameter(1, 0.5, n),
                      1e-5,
                      batchStats,
                      c.output("gradX", all, n),
                      c.parameterOutput("gradW", n),
                      c.parameterOutput("gradB", n)));
    }
    rows.add(
        "normalization.updateRunning" + what,
        c ->
            ops(c)
                .updateRunning(
                    c.parameter(0, 1, statistics),
                    c.parameter(1, 0.5, statistics),
                    r + 1,
                    0.1,
                    c.inOut("runningMean", c.parameter(0, 1, n)),
                    c.inOut("runningVar", c.parameter(1, 0.5, n))));
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
                      c.parameter(0, 1, n),
                      c.parameter(0, 0.1, r),
                      c.parameter(1.5, 0.2, r),
                      false,
                      only.equals("gradX") ? c.output("gradX", r, n) : null,
                      only.equals("gradW") ? c.parameterOutput("gradW", n) : null,
                      only.equals("gradB") ? c.parameterOutput("gradB", n) : null));
      for (int groups : new int[] {1, 2}) {
        rows.add(
            "normalization.batchNormBackward "
                + (groups == 1 ? "" : groups + " groups ")
                + "only "
                + only,
            c ->
                ops(c)
                    .batchNormBackward(
                        c.random(groups * r, n),
                        c.random(groups * r, n),
                        c.parameter(0, 0.1, groups * n),
                        c.parameter(0.4, 0.1, groups * n),
                        c.parameter(0, 1, n),
                        1e-5,
                        true,
                        only.equals("gradX") ? c.output("gradX", groups * r, n) : null,
                        only.equals("gradW") ? c.parameterOutput("gradW", n) : null,
                        only.equals("gradB") ? c.parameterOutput("gradB", n) : null));
      }
    }
  }
}
