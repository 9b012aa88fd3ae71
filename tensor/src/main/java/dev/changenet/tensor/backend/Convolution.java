package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/**
 * 2-d cross-correlations on channels-last maps. Weights keep PyTorch's layout: [O, I/groups, kh,
 * kw], transposed convolutions [I, O, kh, kw].
 */
public interface Convolution {
  /**
   * Convolution, bias and optional ReLU.
   *
   * @param x [B, H, W, I]
   * @param w [O, I/groups, kh, kw]
   * @param b [O] or null
   * @param out [B, H', W', O]
   */
  void conv2d(Tensor x, Tensor w, Tensor b, ConvGeometry geometry, boolean relu, Tensor out);

  /** Gradient by the input, gradX [B, H, W, I]; gradOut is that before the ReLU. */
  void conv2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX);

  /** Gradients by weight and bias; gradB may be null. */
  void conv2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB);

  /**
   * Transposed convolution with bias.
   *
   * @param x [B, H, W, I]
   * @param w [I, O, kh, kw]
   * @param b [O] or null
   * @param out [B, (H−1)·stride − 2·padding + kh, …, O]
   */
  void convTranspose2d(Tensor x, Tensor w, Tensor b, ConvGeometry geometry, Tensor out);

  /** Gradient of the transposed convolution by its input. */
  void convTranspose2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX);

  /** Gradients of the transposed convolution by weight and bias; gradB may be null. */
  void convTranspose2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB);
}
