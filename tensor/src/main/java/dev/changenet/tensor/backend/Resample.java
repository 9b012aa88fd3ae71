package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Resizing of channels-last maps; coordinates as PyTorch's {@code interpolate}. */
public interface Resample {
  /** out [B, H', W', C] from x [B, H, W, C]. */
  void resize(Tensor x, ResizeGeometry geometry, Tensor out);

  /** gradX [B, H, W, C] from gradOut [B, H', W', C]; deterministic (gathers, no atomics). */
  void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX);
}
