package dev.changenet.autograd.function;

import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;

/**
 * Mean softmax cross-entropy over the pixels whose label isn't ignored. Input: logits [B, H, W, K].
 */
public final class CrossEntropyFunction extends LabelLossFunction {
  /**
   * @param labels int32 [B, H, W]
   */
  public CrossEntropyFunction(Tensor labels, int ignoreIndex) {
    super(labels, ignoreIndex);
  }

  @Override
  public Op op() {
    return Op.CROSS_ENTROPY;
  }

  @Override
  void compute(
      Loss ops, Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    ops.crossEntropy(logits, labels, ignoreIndex, loss, gradLogits);
  }
}
