package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Bilinear reads at learned or drawn positions. Both sums and gradients are deterministic. */
public interface Sampling {
  /**
   * Maps of several sizes whose tokens lie one after the other: level l has heights[l]·widths[l]
   * tokens, row by row.
   */
  record Levels(int[] heights, int[] widths) {
    public Levels {
      if (heights.length == 0 || heights.length != widths.length) {
        throw new IllegalArgumentException(
            "levels: got "
                + heights.length
                + " heights and "
                + widths.length
                + " widths; expected the same number, at least 1");
      }
    }

    /** Number of levels L. */
    public int count() {
      return heights.length;
    }

    /** First token of level {@code l}; {@code start(count())} is the number of all tokens. */
    public int start(int l) {
      int tokens = 0;
      for (int i = 0; i < l; i++) {
        tokens += heights[i] * widths[i];
      }
      return tokens;
    }

    /** Tokens of all levels. */
    public int tokens() {
      return start(count());
    }
  }

  /**
   * The core of multi-scale deformable attention (Zhu et al., "Deformable DETR"), L levels, Hd
   * heads of width d, P points: out[n, head] = Σ over levels l and points p of weights[n, head, l,
   * p] · the bilinear sample of level l of head's columns of value at pixel (reference.x·W_l +
   * offset.x − 0.5, reference.y·H_l + offset.y − 0.5). Neighbours outside the level count as 0.
   *
   * @param value [B, Nv, Hd·d], Nv the tokens of all levels
   * @param reference [Nq, 2]: (x, y) in 0 … 1, shared by samples, heads, levels and points
   * @param offsets [B, Nq, Hd·L·P·2] in pixels of the level, innermost (x, y)
   * @param weights [B, Nq, Hd·L·P], after the softmax
   * @param out [B, Nq, Hd·d]
   */
  void deformableAttention(
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor out);

  /** Gradients of {@link #deformableAttention}; any of the three results may be null. */
  void deformableAttentionBackward(
      Tensor gradOut,
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor gradValue,
      Tensor gradOffsets,
      Tensor gradWeights);

  /**
   * Reads a table at drawn positions: out[b, n] = keep[b] · the bilinear, corner-aligned sample of
   * table at (x·(Wt − 1), y·(Ht − 1)). Neighbours outside the table count as 0.
   *
   * @param table [Ht, Wt, C]
   * @param positions [B, N, 2]: (x, y), 0 … 1 across the table
   * @param keep [B]: 1 or 0
   * @param out [B, N, C]
   */
  void sampleTable(Tensor table, Tensor positions, Tensor keep, Tensor out);

  /** gradTable [Ht, Wt, C] of {@link #sampleTable}. */
  void sampleTableBackward(Tensor gradOut, Tensor positions, Tensor keep, Tensor gradTable);
}
