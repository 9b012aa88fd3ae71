package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;

/**
 * Copies of parameters in other types and layouts. They are kept with the parameter until it
 * changes, so that one is made per training step, and in inference one for all.
 */
final class CudaWeights {
  private final CudaDevice device;
  private final CudaElementwise elementwise;

  CudaWeights(CudaDevice device, CudaElementwise elementwise) {
    this.device = device;
    this.elementwise = elementwise;
  }

  /** Address of {@code w} with elements of {@code type}. */
  long cast(Tensor w, DType type) {
    if (w.dtype() == type) {
      return device.address(w);
    }
    Tensor copy =
        w.storage()
            .derived(
                "cast/" + type,
                () -> {
                  Tensor t = device.scratch(type, w.elements());
                  elementwise.cast(w, t);
                  return t;
                });
    return device.address(copy);
  }

  /** Address of [O, I, kh, kw] weights as [O, kh, kw, I] with elements of {@code type}. */
  long channelsLast(Tensor w, DType type) {
    if (w.dtype() == type && (w.dim(1) == 1 || w.dim(2) * w.dim(3) == 1)) {
      return device.address(w);
    }
    Tensor copy =
        w.storage()
            .derived(
                "khwi/" + type,
                () -> {
                  Tensor t = device.scratch(type, w.elements());
                  elementwise.weightsToKhwi(w, t);
                  return t;
                });
    return device.address(copy);
  }
}
