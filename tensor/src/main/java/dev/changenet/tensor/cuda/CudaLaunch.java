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

  /** Odd, so that multiplication loses nothing. */
  private static final long PRIME = 0x9E3779B97F4A7C15L;

  private final CudaDevice device;
  private final MemorySegment values;
  private final MemorySegment pointers;
  private CudaModules.Kernel kernel;
  private int count;
  private long work;

  CudaLaunch(CudaDevice device) {
    this.device = device;
    values = Arena.global().allocate(8L * MAX_ARGUMENTS, 8);
    pointers = Arena.global().allocate(8L * MAX_ARGUMENTS, 8);
    for (int i = 0; i < MAX_ARGUMENTS; i++) {
      pointers.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(8L * i, 8));
    }
  }

  /** Prepares a launch that does nothing. */
  CudaLaunch idle(String name) {
    return of(null, name);
  }

  CudaLaunch of(CudaModules.Kernel next) {
    return of(next, next.name);
  }

  private CudaLaunch of(CudaModules.Kernel next, String name) {
    kernel = next;
    count = 0;
    note(name.hashCode());
    return this;
  }

  /**
   * Takes a number that says what work is done into {@link #work()}: all arguments but addresses.
   */
  void note(long value) {
    work = (work ^ value) * PRIME;
    work ^= work >>> 29;
  }

  /** Equal for equal work since {@link #continueWork}. */
  long work() {
    return work;
  }

  /** Goes on from what {@link #work()} was. */
  void continueWork(long from) {
    work = from;
  }

  /** The address of a tensor's memory; 0 for null. */
  CudaLaunch tensor(Tensor t) {
    note(t == null ? 0 : 1);
    return address(t == null || kernel == null ? 0 : device.address(t));
  }

  private CudaLaunch address(long value) {
    values.setAtIndex(ValueLayout.JAVA_LONG, count++, value);
    return this;
  }

  CudaLaunch i32(int value) {
    note(value);
    values.setAtIndex(ValueLayout.JAVA_INT, 2L * count++, value);
    return this;
  }

  CudaLaunch i64(long value) {
    note(value);
    return address(value);
  }

  CudaLaunch f32(float value) {
    note(Float.floatToRawIntBits(value));
    values.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * count++, value);
    return this;
  }

  CudaLaunch f64(double value) {
    note(Double.doubleToRawLongBits(value));
    values.setAtIndex(ValueLayout.JAVA_DOUBLE, count++, value);
    return this;
  }

  /** Starts the kernel on the device's stream. */
  void run(int gridX, int gridY, int gridZ, int blockX, int sharedBytes) {
    note(gridX);
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
