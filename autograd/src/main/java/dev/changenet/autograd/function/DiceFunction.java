package dev.changenet.autograd.function;

import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;

/** Soft dice loss. Input: logits [B, H, W, K]. */
public final class DiceFunction extends LabelLossFunction {
  /**
   * @param labels int32 [B, H, W]
   */
  public DiceFunction(Tensor labels, int ignoreIndex) {
    super(labels, ignoreIndex);
  }

  @Override
  public Op op() {
    return Op.DICE;
  }

  @Override
  void compute(
      Loss ops, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    ops.dice(logits, labels, ignoreIndex, loss, gradLogits);
  }
}
