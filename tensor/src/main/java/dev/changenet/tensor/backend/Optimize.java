package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;
import java.util.List;

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

  /** A parameter with its gradient and Adam's state. */
  record AdamTensors(Tensor parameter, Tensor grad, Tensor expAvg, Tensor expAvgSq) {}

  /**
   * {@link #adam} for many parameters that have had the same number of updates.
   *
   * @param guard [1], or null: nothing changes where its value is not finite
   */
  default void adamAll(
      List<AdamTensors> tensors,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      long step,
      Tensor guard) {
    if (stops(guard)) {
      return;
    }
    for (AdamTensors t : tensors) {
      adam(
          t.parameter,
          t.grad,
          t.expAvg,
          t.expAvgSq,
          lr,
          beta1,
          beta2,
          eps,
          weightDecay,
          decoupled,
          step);
    }
  }

  /** A parameter with its gradient and momentum buffer. */
  record SgdTensors(Tensor parameter, Tensor grad, Tensor buffer) {}

  /**
   * {@link #sgd} for many parameters.
   *
   * @param guard [1], or null: nothing changes where its value is not finite
   */
  default void sgdAll(
      List<SgdTensors> tensors,
      double lr,
      double momentum,
      double weightDecay,
      boolean first,
      Tensor guard) {
    if (stops(guard)) {
      return;
    }
    for (SgdTensors t : tensors) {
      sgd(t.parameter, t.grad, t.buffer, lr, momentum, weightDecay, first);
    }
  }

  private static boolean stops(Tensor guard) {
    return guard != null && !Double.isFinite(guard.item());
  }

  /**
   * Multiplies gradients in place by {@code scale}, then so that their common L2 norm is at most
   * about {@code maxNorm}: by min(1, maxNorm / (norm + 1e-6)), as {@code
   * torch.nn.utils.clip_grad_norm_} does. Where a gradient is not finite, neither is the norm, and
   * the gradients are undefined.
   *
   * @param grads one or more
   * @param maxNorm above 0; infinite for no limit
   * @param scale above 0
   * @param norm [1], written: the norm between the two. It should live as long as the training.
   */
  void clip(List<Tensor> grads, double maxNorm, double scale, Tensor norm);

  /**
   * Returns the sum of squares of each tensor, for norms. It is not finite where an element is not
   * finite, and may be infinite where elements exceed 1e15.
   *
   * @param tensors of parameters or of gradients
   */
  double[] sumsOfSquares(List<Tensor> tensors);

  /** A running average and the value it follows. */
  record AverageTensors(Tensor average, Tensor value) {}

  /** average = decay·average + (1 − decay)·value. */
  void average(List<AverageTensors> tensors, double decay);
}
