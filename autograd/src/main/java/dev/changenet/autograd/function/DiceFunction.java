package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Soft dice loss. Input: logits [B, H, W, K]. */
public final class DiceFunction extends Function {
  private final Tensor labels;
  private final int ignoreIndex;

  /**
   * @param labels int32 [B, H, W]
   */
  public DiceFunction(Tensor labels, int ignoreIndex) {
    this.labels = labels;
    this.ignoreIndex = ignoreIndex;
  }

  @Override
  public Op op() {
    return Op.DICE;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor loss = in[0].emptyStatistics(1);
    Tensor grad = recording() ? in[0].emptyLike() : null;
    backend(loss).loss().dice(in[0], labels, ignoreIndex, loss, grad);
    save(grad);
    return loss;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, saved(0));
    backend(gradOut).elementwise().scaleBy(saved(0), gradOut, gradX);
  }
}
