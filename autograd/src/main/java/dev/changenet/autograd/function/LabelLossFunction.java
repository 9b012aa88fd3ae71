package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;

/**
 * A loss of logits [B, H, W, K] and integer labels; its kernel computes the gradient in the same
 * pass.
 */
abstract class LabelLossFunction extends Function {
  private final Tensor labels;
  private final int ignoreIndex;

  /**
   * @param labels int32 [B, H, W]
   */
  LabelLossFunction(Tensor labels, int ignoreIndex) {
    this.labels = labels;
    this.ignoreIndex = ignoreIndex;
  }

  /**
   * Writes the loss and its gradient.
   *
   * @param loss [1]
   * @param gradLogits as logits, or null where nobody asks for it
   */
  abstract void compute(
      Loss ops, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits);

  @Override
  protected final Tensor forward(Tensor... in) {
    Tensor loss = in[0].emptyStatistics(1);
    Tensor grad = recording() ? in[0].emptyLike() : null;
    compute(backend(loss).loss(), in[0], labels, ignoreIndex, loss, grad);
    save(grad);
    return loss;
  }

  @Override
  protected final void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, saved(0));
    backend(gradOut).elementwise().scaleBy(saved(0), gradOut, gradX);
  }
}
