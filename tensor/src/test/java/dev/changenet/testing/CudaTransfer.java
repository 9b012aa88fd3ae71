package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;

/** Carries the op table's inputs to a GPU and its outputs back. */
public final class CudaTransfer implements OpTransfer {
  @Override
  public Tensor upload(double[] values, int[] shape, DType dtype, Device device) {
    try (Tensor onCpu = HEAP.upload(values, shape, dtype, Device.CPU).detached()) {
      return onCpu.to(device);
    }
  }

  @Override
  public double[] download(Tensor tensor) {
    try (Tensor onCpu = tensor.to(Device.CPU).detached()) {
      return HEAP.download(onCpu);
    }
  }
}
