package dev.changenet.tensor.cuda;

import jcuda.driver.CUdeviceptr;

/** A raw address as JCuda's pointer type. */
final class DeviceAddress extends CUdeviceptr {
  /** Pointer to be filled by the driver. */
  DeviceAddress() {}

  DeviceAddress(long address) {
    super(new CUdeviceptr(), address);
  }

  long address() {
    return getNativePointer() + getByteOffset();
  }
}
