package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Optimizer updates, one pass per parameter, in place. */
public interface Optimize {
  /**
   * Adam or AdamW as PyTorch computes them, with bias correction.
   *
   * @param decoupled true for AdamW (parameter shrunk by lr·weightDecay), false for Adam (decay
   *     added to the gradient)
   * @param step 1 for the first update
   */
  void adam(
      Tensor parameter,
      Tensor grad,
      Tensor expAvg,
      Tensor expAvgSq,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step);

  /**
   * SGD with heavy-ball momentum: buf = momentum·buf + grad + weightDecay·p; p −= lr·buf.
   *
   * @param buffer momentum buffer; on the first step it is set to the gradient
   */
  void sgd(
      Tensor parameter,
      Tensor grad,
      Tensor buffer,
      double lr,
      double momentum,
      double weightDecay,
      boolean first);
}
