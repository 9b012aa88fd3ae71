package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Storage;

/** A block of device memory. While a graph's inputs are renewed, only the place of one. */
final class CudaStorage extends Storage {
  private final CudaDevice device;
  private final CudaAllocator allocator;
  private long address;

  CudaStorage(CudaDevice device, DType dtype, long length) {
    super(dtype, length);
    this.device = device;
    allocator = device.renewing() == null ? device.pool() : null;
    address = allocator == null ? CudaGraph.NOWHERE : device.allocate(allocator, bytes());
  }

  /** Address on the device. */
  long address() {
    if (address == 0) {
      throw new IllegalStateException("tensor used after its release");
    }
    if (allocator == null && device.renewing() == null) {
      throw new IllegalStateException(
          "tensor without memory, kept from the renewal of a CUDA graph's inputs");
    }
    return address;
  }

  @Override
  protected void free() {
    if (allocator != null) {
      allocator.free(address);
    }
    address = 0;
  }
}
