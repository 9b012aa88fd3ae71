package dev.changenet.tensor.backend;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.cpu.CpuBackend;
import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.reference.ReferenceBackend;

/** Finds the backend of a device. */
public final class Backends {
  private Backends() {}

  private static final class Cpu {
    static final Backend INSTANCE = new CpuBackend();
  }

  private static final class Reference {
    static final Backend INSTANCE = new ReferenceBackend();
  }

  /** Returns the backend of {@code device}; created at first use. */
  public static Backend of(Device device) {
    return switch (device.kind()) {
      case CPU -> Cpu.INSTANCE;
      case REFERENCE -> Reference.INSTANCE;
      case CUDA -> CudaBackend.of(device.index());
    };
  }
}
