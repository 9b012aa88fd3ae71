package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;

/** A block of device memory. */
final class CudaStorage extends Storage {
  private final CudaDevice device;
  private long address;

  CudaStorage(CudaDevice device, DType dtype, long length) {
    super(dtype, length);
    this.device = device;
    this.address = device.allocate(bytes());
  }

  /** Address on the device. */
  long address() {
    if (address == 0) {
      throw new IllegalStateException("tensor used after its release");
    }
    return address;
  }

  @Override
  protected void free() {
    device.free(address);
    address = 0;
  }
}
