package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Losses on logits with integer labels; each may compute the gradient in the same pass. */
public interface Loss {
  /**
   * Softmax cross-entropy, mean over the rows whose label isn't {@code ignoreIndex}; 0 when all are
   * ignored.
   *
   * @param logits [P…, K]
   * @param labels int32 [P…]; every value is 0 … K−1 or ignoreIndex
   * @param loss [1], written
   * @param gradLogits [P…, K] or null: gradient of the loss
   */
  void crossEntropy(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits);

  /**
   * Min-max IoU loss: −min over (n, c) of iou − mean over (n, c) of iou, with iou = Σp·t / (Σ(p + t
   * − p·t) + 1e−8) per sample n and class c, p the softmax and t the one-hot label; ignored pixels
   * are left out of both sums.
   *
   * @param logits [B, …, K]
   * @param labels int32 [B, …]
   */
  void mmIou(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits);

  /** out int32 [P…] = index of the largest logit of each row, the lowest one on ties. */
  void argmax(Tensor logits, Tensor out);
}
