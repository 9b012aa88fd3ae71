package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Matrix products. */
public interface Dense {
  /**
   * out = x·wᵀ + b.
   *
   * @param x [M…, I]
   * @param w [O, I] (or [O, I, 1, 1])
   * @param b [O] or null
   * @param out [M…, O]
   */
  void linear(Tensor x, Tensor w, Tensor b, Tensor out);

  /** gradX [M…, I] = gradOut·w. */
  void linearBackwardInput(Tensor gradOut, Tensor w, Tensor gradX);

  /** gradW [O, I] = gradOutᵀ·x and gradB [O] = column sums of gradOut; gradB may be null. */
  void linearBackwardWeight(Tensor gradOut, Tensor x, Tensor gradW, Tensor gradB);

  /**
   * out[i] = op(a[i])·op(b[i]) for every matrix i of the batch.
   *
   * @param a [batch, M, K], or [batch, K, M] when transposeA
   * @param b [batch, K, N], or [batch, N, K] when transposeB
   * @param out [batch, M, N]
   */
  void matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor out);
}
