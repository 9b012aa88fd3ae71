package dev.changenet.testing;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling;
import dev.changenet.tensor.backend.Sampling.Levels;

/** Op table rows of {@link Sampling}. */
final class SamplingRows {
  private SamplingRows() {}

  private static Sampling ops(OpCall c) {
    return c.backend().sampling();
  }

  static void addTo(OpTable.Rows rows) {
    addDeformable(rows, 1, 1, 1, 1, 1, new Levels(new int[] {1}, new int[] {1}));
    addDeformable(rows, 2, 6, 3, 4, 4, new Levels(new int[] {4}, new int[] {5}));
    addDeformable(rows, 1, 9, 2, 17, 3, new Levels(new int[] {8, 4, 2}, new int[] {6, 3, 5}));
    addDeformable(rows, 2, 37, 16, 24, 4, new Levels(new int[] {8, 4, 2}, new int[] {12, 6, 3}));
    addDeformable(rows, 1, 130, 16, 32, 4, new Levels(new int[] {7}, new int[] {9}));
    addDeformable(rows, 1, 65, 4, 40, 4, new Levels(new int[] {6, 3}, new int[] {8, 4}));
    for (int[] s : new int[][] {{1, 1, 1, 1, 1}, {2, 7, 5, 9, 3}, {3, 16, 16, 33, 17}}) {
      addTable(rows, s[0], s[1], s[2], s[3], s[4]);
    }
    addTable(rows, 2, 12, 9, 200, 130);
  }

  private static void addDeformable(
      OpTable.Rows rows, int batch, int queries, int heads, int d, int points, Levels levels) {
    int each = levels.count() * points;
    int width = heads * d;
    String size =
        " B"
            + batch
            + " Nq"
            + queries
            + " "
            + heads
            + "x"
            + d
            + " L"
            + levels.count()
            + " P"
            + points;
    rows.add(
        "sampling.deformableAttention" + size,
        c ->
            ops(c)
                .deformableAttention(
                    c.random(batch, levels.tokens(), width),
                    levels,
                    c.float32().uniform(0.5, 0.5, queries, 2),
                    // Some points lie beyond the border.
                    c.uniform(0, 3, batch, queries, heads * each * 2),
                    c.uniform(0.5, 0.5, batch, queries, heads * each),
                    heads,
                    points,
                    c.output("out", batch, queries, width)));
    for (boolean all : new boolean[] {true, false}) {
      rows.add(
          "sampling.deformableAttentionBackward" + size + (all ? "" : " gradOffsets only"),
          c -> {
            Tensor gradOffsets = c.output("gradOffsets", batch, queries, heads * each * 2);
            ops(c)
                .deformableAttentionBackward(
                    c.random(batch, queries, width),
                    c.random(batch, levels.tokens(), width),
                    levels,
                    c.float32().uniform(0.5, 0.5, queries, 2),
                    c.uniform(0, 3, batch, queries, heads * each * 2),
                    c.uniform(0.5, 0.5, batch, queries, heads * each),
                    heads,
                    points,
                    all ? c.output("gradValue", batch, levels.tokens(), width) : null,
                    gradOffsets,
                    all ? c.output("gradWeights", batch, queries, heads * each) : null);
          });
    }
  }

  private static void addTable(
      OpTable.Rows rows, int batch, int height, int width, int tokens, int channels) {
    String size = " " + height + "x" + width + " C" + channels + " B" + batch + " N" + tokens;
    rows.add(
        "sampling.sampleTable" + size,
        c ->
            ops(c)
                .sampleTable(
                    c.float32().random(height, width, channels),
                    c.float32().uniform(0.5, 0.5, batch, tokens, 2),
                    keep(c, batch),
                    c.output("out", batch, tokens, channels)));
    rows.add(
        "sampling.sampleTableBackward" + size,
        c ->
            ops(c)
                .sampleTableBackward(
                    c.random(batch, tokens, channels),
                    c.float32().uniform(0.5, 0.5, batch, tokens, 2),
                    keep(c, batch),
                    c.float32().output("gradTable", height, width, channels)));
  }

  /** All samples are kept but the second. */
  private static Tensor keep(OpCall c, int batch) {
    double[] values = new double[batch];
    for (int i = 0; i < batch; i++) {
      values[i] = i == 1 ? 0 : 1;
    }
    return c.float32().values(values, batch);
  }
}
