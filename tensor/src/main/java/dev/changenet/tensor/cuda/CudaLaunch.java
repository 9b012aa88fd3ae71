package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Arguments and launch of one kernel. One object per device is used again for every launch; its
 * argument block in native memory is made once.
 */
final class CudaLaunch {
  private static final int MAX_ARGUMENTS = 64;

  private final CudaDevice device;
  private final MemorySegment values;
  private final MemorySegment pointers;
  private CudaModules.Kernel kernel;
  private int count;

  CudaLaunch(CudaDevice device) {
    this.device = device;
    values = Arena.global().allocate(8L * MAX_ARGUMENTS, 8);
    pointers = Arena.global().allocate(8L * MAX_ARGUMENTS, 8);
    for (int i = 0; i < MAX_ARGUMENTS; i++) {
      pointers.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(8L * i, 8));
    }
  }

  /** Prepares a launch that does nothing. */
  CudaLaunch idle() {
    return of(null);
  }

  CudaLaunch of(CudaModules.Kernel next) {
    kernel = next;
    count = 0;
    return this;
  }

  /** The address of a tensor's memory; 0 for null. */
  CudaLaunch tensor(Tensor t) {
    return i64(t == null || kernel == null ? 0 : device.address(t));
  }

  CudaLaunch i32(int value) {
    values.setAtIndex(ValueLayout.JAVA_INT, 2L * count++, value);
    return this;
  }

  CudaLaunch i64(long value) {
    values.setAtIndex(ValueLayout.JAVA_LONG, count++, value);
    return this;
  }

  CudaLaunch f32(float value) {
    values.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * count++, value);
    return this;
  }

  CudaLaunch f64(double value) {
    values.setAtIndex(ValueLayout.JAVA_DOUBLE, count++, value);
    return this;
  }

  /** Starts the kernel on the device's stream. */
  void run(int gridX, int gridY, int gridZ, int blockX, int sharedBytes) {
    if (kernel == null) {
      return;
    }
    kernel.allowShared(sharedBytes);
    device.bind();
    int status =
        CudaDriver.Launch.run(
            kernel.address, gridX, gridY, gridZ, blockX, sharedBytes, device.stream(), pointers);
    if (status != 0) {
      throw new CudaException(
          "launching "
              + kernel.name
              + " with grid "
              + gridX
              + "x"
              + gridY
              + "x"
              + gridZ
              + " and "
              + blockX
              + " threads failed: "
              + CudaCheck.describe(status)
              + ".");
    }
  }
}
