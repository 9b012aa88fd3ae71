package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Footprint;

/**
 * Counts nothing: a GPU keeps copies of weights in mixed precision only, which the plan of a
 * training adds.
 */
public final class CudaFootprint implements Footprint {
  @Override
  public void kernel(String method, Object... arguments) {}

  @Override
  public boolean hasOwn(String method, Object... arguments) {
    return switch (method) {
      case "conv2dPair" ->
          FewOutputsConvolution.suitsPair((Tensor) arguments[1], (Tensor) arguments[3]);
      case "conv2dPairBackward" ->
          FewOutputsConvolution.suitsPair((Tensor) arguments[2], (Tensor) arguments[4]);
      default -> false;
    };
  }
}
