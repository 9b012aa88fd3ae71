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

  /** Geometry of the two convolutions of {@link #conv2dPair}: 3×3 that keep the size. */
  ConvGeometry PAIR = new ConvGeometry(1, 1, 1);

  /**
   * Two 3×3 convolutions with stride 1 and padding 1 in a row. A backend may compose the two
   * kernels into one where that is less work.
   *
   * @param x [B, H, W, I]
   * @param w1 [M, I, 3, 3]
   * @param b1 [M] or null
   * @param w2 [O, M, 3, 3]
   * @param out [B, H, W, O]
   */
  default void conv2dPair(Tensor x, Tensor w1, Tensor b1, Tensor w2, Tensor out) {
    try (Tensor between = x.emptyLike(x.dim(0), x.dim(1), x.dim(2), w1.dim(0))) {
      conv2d(x, w1, b1, PAIR, false, between);
      conv2d(between, w2, null, PAIR, false, out);
    }
  }

  /** Gradients of {@link #conv2dPair}; gradX, gradB1 may be null. */
  default void conv2dPairBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w1,
      Tensor b1,
      Tensor w2,
      Tensor gradX,
      Tensor gradW1,
      Tensor gradB1,
      Tensor gradW2) {
    int[] shape = {x.dim(0), x.dim(1), x.dim(2), w1.dim(0)};
    try (Tensor between = x.emptyLike(shape);
        Tensor gradBetween = x.emptyLike(shape)) {
      conv2d(x, w1, b1, PAIR, false, between);
      conv2dBackwardWeight(gradOut, between, PAIR, gradW2, null);
      conv2dBackwardInput(gradOut, w2, PAIR, gradBetween);
      conv2dBackwardWeight(gradBetween, x, PAIR, gradW1, gradB1);
      if (gradX != null) {
        conv2dBackwardInput(gradBetween, w1, PAIR, gradX);
      }
    }
  }
}
