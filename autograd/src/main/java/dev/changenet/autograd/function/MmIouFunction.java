package dev.changenet.autograd.function;

import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;

/** Min-max IoU loss. Input: logits [B, H, W, K]. */
public final class MmIouFunction extends LabelLossFunction {
  /**
   * @param labels int32 [B, H, W]
   */
  public MmIouFunction(Tensor labels, int ignoreIndex) {
    super(labels, ignoreIndex);
  }

  @Override
  public Op op() {
    return Op.MM_IOU;
  }

  @Override
  void compute(
      Loss ops, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    ops.mmIou(logits, labels, ignoreIndex, loss, gradLogits);
  }
}
