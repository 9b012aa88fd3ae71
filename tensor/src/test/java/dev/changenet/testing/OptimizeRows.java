package dev.changenet.testing;

import dev.changenet.tensor.backend.Optimize;

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
  }
}
