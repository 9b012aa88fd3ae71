package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;

/** Dense (groups = 1) 2-d cross-correlations without bias; maps are [B, H, W, C]. */
interface ConvolutionKernels {
  /**
   * @param x [B, H, W, I]
   * @param w [O, I, kh, kw]
   * @param out [B, H', W', O]
   */
  void forward(Tensor x, Tensor w, ConvGeometry geometry, Tensor out);

  /** gradX [B, H, W, I] from gradOut [B, H', W', O]: also the transposed convolution. */
  void backwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX);

  /** gradW float32 [O, I, kh, kw]. */
  void backwardWeight(Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW);
}
