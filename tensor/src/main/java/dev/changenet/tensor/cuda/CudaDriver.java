package dev.changenet.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;

/** The driver of the machine: loaded and initialised once, when a GPU is first asked for. */
final class CudaDriver {
  /** CUDA 12.0: the first driver that loads the kernels' PTX (version 8.0). */
  private static final int OLDEST = 12000;

  private static int devices = -1;

  private CudaDriver() {}

  /**
   * Loads and initialises the driver.
   *
   * @return number of GPUs, at least 1
   * @throws CudaException with one line that says what is missing
   */
  static synchronized int initialize() {
    if (devices < 0) {
      devices = start();
    }
    return devices;
  }

  private static int start() {
    CudaLibraries.loadDriver();
    if (!driverInstalled()) {
      throw new CudaException("no NVIDIA driver (libcuda.so.1) is installed");
    }
    try {
      JCudaDriver.setExceptionsEnabled(false);
    } catch (UnsatisfiedLinkError e) {
      throw new CudaException("JCuda's native library cannot be loaded: " + e.getMessage(), e);
    }
    int status = JCudaDriver.cuInit(0);
    if (status == 100) {
      throw new CudaException("the NVIDIA driver sees no GPU");
    }
    CudaCheck.driver(status, "cuInit");
    int[] version = {0};
    CudaCheck.driver(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    if (version[0] < OLDEST) {
      throw new CudaException(
          "the NVIDIA driver supports CUDA "
              + version[0] / 1000
              + "."
              + version[0] % 1000 / 10
              + ", 12.0 or later is needed");
    }
    int[] count = {0};
    CudaCheck.driver(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    if (count[0] == 0) {
      throw new CudaException("the NVIDIA driver sees no GPU");
    }
    return count[0];
  }

  /** Looks for the driver without JCuda, whose natives take time to unpack. */
  private static boolean driverInstalled() {
    if (SymbolLookup.loaderLookup().find("cuInit").isPresent()) {
      return true;
    }
    try (Arena arena = Arena.ofConfined()) {
      return SymbolLookup.libraryLookup("libcuda.so.1", arena).find("cuInit").isPresent();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  static CUdevice device(int index) {
    int count = initialize();
    if (index < 0 || index >= count) {
      throw new CudaException(
          "GPU " + index + " doesn't exist: this machine has " + count + ", numbered from 0.");
    }
    CUdevice device = new CUdevice();
    CudaCheck.driver(JCudaDriver.cuDeviceGet(device, index), "cuDeviceGet");
    return device;
  }

  /**
   * The driver's kernel launch through the foreign-function interface: JCuda's takes some
   * microseconds to gather the arguments, more than small kernels run.
   */
  static final class Launch {
    private static final MethodHandle LAUNCH =
        Linker.nativeLinker()
            .downcallHandle(
                symbol("cuLaunchKernel"),
                FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS));

    private Launch() {}

    private static MemorySegment symbol(String name) {
      SymbolLookup loaded = SymbolLookup.loaderLookup();
      return loaded
          .find(name)
          .or(() -> SymbolLookup.libraryLookup("libcuda.so.1", Arena.global()).find(name))
          .orElseThrow(() -> new CudaException("the NVIDIA driver lacks " + name + "."));
    }

    /** Returns the driver's status. */
    static int run(
        long function,
        int gridX,
        int gridY,
        int gridZ,
        int blockX,
        int sharedBytes,
        long stream,
        MemorySegment parameters) {
      try {
        return (int)
            LAUNCH.invokeExact(
                function,
                gridX,
                gridY,
                gridZ,
                blockX,
                1,
                1,
                sharedBytes,
                stream,
                parameters,
                MemorySegment.NULL);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
