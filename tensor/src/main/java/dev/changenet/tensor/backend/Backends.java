package dev.changenet.tensor.backend;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.cpu.CpuBackend;
import dev.changenet.tensor.cpu.CpuFootprint;
import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.cuda.CudaFootprint;
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

  private static final class Dry {
    static final Backend CPU = DryBackend.create(new CpuFootprint());
    static final Backend GPU = DryBackend.create(new CudaFootprint());
  }

  /**
   * Returns the backend of {@code device}, created at first use; in a {@link DryRun} one that does
   * nothing.
   */
  public static Backend of(Device device) {
    if (DryRun.isOpen()) {
      return device.kind() == Device.Kind.CUDA ? Dry.GPU : Dry.CPU;
    }
    return switch (device.kind()) {
      case CPU -> Cpu.INSTANCE;
      case REFERENCE -> Reference.INSTANCE;
      case CUDA -> CudaBackend.of(device.index());
    };
  }
}
