package dev.changenet.config;

import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.cuda.CudaException;

/**
 * The GPUs that a run can use.
 *
 * @param count number of GPUs
 * @param problem why there is none, a clause without full stop; empty when there are some
 */
record GpuSupport(int count, String problem) {
  /** Asks the driver, when there is one. */
  static GpuSupport ofThisMachine() {
    try {
      return new GpuSupport(CudaBackend.count(), "");
    } catch (CudaException e) {
      return new GpuSupport(0, e.getMessage().replaceFirst("\\.$", ""));
    }
  }
}
