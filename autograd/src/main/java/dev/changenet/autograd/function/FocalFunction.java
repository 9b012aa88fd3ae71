package dev.changenet.autograd.function;

import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;

/** Cross-entropy with class weights and focal factor. Input: logits [B, H, W, K]. */
public final class FocalFunction extends LabelLossFunction {
  private final float[] weights;
  private final double gamma;

  /**
   * @param labels int32 [B, H, W]
   * @param weights one factor for each class, or null for 1
   */
  public FocalFunction(Tensor labels, int ignoreIndex, float[] weights, double gamma) {
    super(labels, ignoreIndex);
    this.weights = weights;
    this.gamma = gamma;
  }

  @Override
  public Op op() {
    return Op.FOCAL;
  }

  @Override
  void compute(
      Loss ops, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    ops.focal(logits, labels, ignoreIndex, weights, gamma, loss, gradLogits);
  }
}
