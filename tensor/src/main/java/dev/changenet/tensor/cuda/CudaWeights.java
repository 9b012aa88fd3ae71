package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import java.util.function.Supplier;

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
    return copy(
        w,
        "cast/" + type,
        () -> {
          Tensor t = device.scratch(type, w.elements());
          elementwise.cast(w, t);
          return t;
        });
  }

  /** Address of [O, I, kh, kw] weights as [O, kh, kw, I] with elements of {@code type}. */
  long channelsLast(Tensor w, DType type) {
    if (w.dtype() == type && (w.dim(1) == 1 || w.dim(2) * w.dim(3) == 1)) {
      return device.address(w);
    }
    return copy(
        w,
        "khwi/" + type,
        () -> {
          Tensor t = device.scratch(type, w.elements());
          elementwise.weightsToKhwi(w, t);
          return t;
        });
  }

  private long copy(Tensor w, String key, Supplier<Tensor> make) {
    if (device.renewing() != null) {
      return CudaGraph.NOWHERE;
    }
    CudaGraph graph = device.recording();
    Supplier<Tensor> unnoted =
        () -> {
          Tensor[] made = new Tensor[1];
          device.unlessRenewing(() -> made[0] = make.get());
          return made[0];
        };
    Tensor copy =
        graph == null
            ? w.storage().derived(key, make::get)
            : graph.weights(w.storage(), key, unnoted);
    if (graph == null) {
      device.useCopy(w.storage(), key, copy.elements() * copy.dtype().bytes());
    }
    return device.address(copy);
  }
}
