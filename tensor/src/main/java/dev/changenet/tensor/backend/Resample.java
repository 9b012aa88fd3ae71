package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/**
 * Resizing of channels-last maps, with coordinates as PyTorch's {@code interpolate}, and pooling.
 */
public interface Resample {
  /** out [B, H', W', C] from x [B, H, W, C]. */
  void resize(Tensor x, ResizeGeometry geometry, Tensor out);

  /** gradX [B, H, W, C] from gradOut [B, H', W', C]; deterministic (gathers, no atomics). */
  void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX);

  /**
   * Maximum over windows; padding never wins.
   *
   * @param x [B, H, W, C]
   * @param kernel side of the window, greater than padding
   * @param out [B, H', W', C], H' = (H + 2·padding − kernel) / stride + 1 rounded down
   * @param argmax int32 [B, H', W', C], written: row·W + column of the winner in x, the first in
   *     reading order on ties; a NaN wins
   */
  void maxPool2d(Tensor x, int kernel, int stride, int padding, Tensor out, Tensor argmax);

  /** gradX [B, H, W, C]: every winner receives the gradients of its windows. */
  void maxPool2dBackward(
      Tensor gradOut, Tensor argmax, int kernel, int stride, int padding, Tensor gradX);
}
