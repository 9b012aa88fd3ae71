package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Cross-entropy with class weights and focal factor. Input: logits [B, H, W, K]. */
public final class FocalFunction extends Function {
  private final Tensor labels;
  private final int ignoreIndex;
  private final float[] weights;
  private final double gamma;

  /**
   * @param labels int32 [B, H, W]
   * @param weights one factor for each class, or null for 1
   */
  public FocalFunction(Tensor labels, int ignoreIndex, float[] weights, double gamma) {
    this.labels = labels;
    this.ignoreIndex = ignoreIndex;
    this.weights = weights;
    this.gamma = gamma;
  }

  @Override
  public Op op() {
    return Op.FOCAL;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor loss = in[0].emptyStatistics(1);
    Tensor grad = recording() ? in[0].emptyLike() : null;
    backend(loss).loss().focal(in[0], labels, ignoreIndex, weights, gamma, loss, grad);
    save(grad);
    return loss;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, saved(0));
    backend(gradOut).elementwise().scaleBy(saved(0), gradOut, gradX);
  }
}
