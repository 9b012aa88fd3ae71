package dev.changenet.testing;

import dev.changenet.tensor.backend.Dense;
import java.util.Arrays;

/** Op table rows of {@link Dense}. */
final class DenseRows {
  /** Rows, inputs, outputs. */
  private static final int[][] LINEAR = {
    {0, 17, 5},
    {1, 1, 1},
    {1, 17, 5},
    {3, 1, 16},
    {7, 15, 33},
    {16, 16, 16},
    {65, 48, 31},
    {127, 192, 97},
    {513, 37, 64},
    {300, 96, 384}
  };

  /** Batch, M, K, N. */
  private static final int[][] MATMUL = {
    {0, 5, 8, 6}, {1, 1, 1, 1}, {3, 5, 8, 6}, {2, 16, 17, 15}, {1, 65, 33, 129}, {4, 49, 96, 24}
  };

  private DenseRows() {}

  private static Dense ops(OpCall c) {
    return c.backend().dense();
  }

  static void addTo(OpTable.Rows rows) {
    for (int[] s : LINEAR) {
      int m = s[0];
      int i = s[1];
      int o = s[2];
      String size = " " + Arrays.toString(s);
      for (boolean bias : new boolean[] {true, false}) {
        String what = size + (bias ? " bias" : "");
        rows.add(
            "dense.linear" + what,
            c ->
                ops(c)
                    .linear(
                        c.random(m, i),
                        c.float32().random(o, i),
                        bias ? c.float32().random(o) : null,
                        c.output("out", m, o)));
        rows.add(
            "dense.linearBackwardWeight" + what,
            c ->
                ops(c)
                    .linearBackwardWeight(
                        c.random(m, o),
                        c.random(m, i),
                        c.float32().output("gradW", o, i),
                        bias ? c.float32().output("gradB", o) : null));
      }
      rows.add(
          "dense.linearBackwardInput" + size,
          c ->
              ops(c)
                  .linearBackwardInput(
                      c.random(m, o), c.float32().random(o, i), c.output("gradX", m, i)));
    }
    rows.add(
        "dense.linear tokens, 1x1 weight",
        c ->
            ops(c)
                .linear(
                    c.random(2, 3, 5, 21),
                    c.float32().random(19, 21, 1, 1),
                    c.float32().random(19),
                    c.output("out", 2, 3, 5, 19)));
    for (int[] s : MATMUL) {
      for (int t = 0; t < 4; t++) {
        boolean ta = t % 2 == 1;
        boolean tb = t / 2 == 1;
        int[] a = ta ? new int[] {s[0], s[2], s[1]} : new int[] {s[0], s[1], s[2]};
        int[] b = tb ? new int[] {s[0], s[3], s[2]} : new int[] {s[0], s[2], s[3]};
        rows.add(
            "dense.matmul " + Arrays.toString(s) + (ta ? " aT" : "") + (tb ? " bT" : ""),
            c ->
                ops(c).matmul(c.random(a), ta, c.random(b), tb, c.output("out", s[0], s[1], s[3])));
      }
    }
  }
}
