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
   * Cross-entropy with class weights w and focal factor (Lin et al. 2017): Σ w(t)·(1 −
   * p)^gamma·(−ln p) / Σ w(t) over the rows whose label t isn't {@code ignoreIndex}, p the softmax
   * at t; 0 when the weights of all such rows are 0.
   *
   * @param logits [P…, K]
   * @param labels int32 [P…]
   * @param weights K factors, at least 0, or null for 1
   * @param gamma at least 0; 0 leaves weighted cross-entropy
   */
  void focal(
      Tensor logits,
      Tensor labels,
      int ignoreIndex,
      float[] weights,
      double gamma,
      Tensor loss,
      Tensor gradLogits);

  /**
   * Soft dice loss: 1 − mean over (n, c) of (2·Σp·t + 1) / (Σp + Σt + 1) per sample n and class c,
   * p the softmax and t the one-hot label; ignored pixels are left out of all sums.
   *
   * @param logits [B, …, K]
   * @param labels int32 [B, …]
   */
  void dice(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits);

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
