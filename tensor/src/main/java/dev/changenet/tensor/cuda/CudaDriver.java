package dev.changenet.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
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
      throw new CudaException(
          "no NVIDIA driver (libcuda.so.1) is installed" + CudaLibraries.wrongFolders());
    }
    CudaLibraries.loadJCudaDriver();
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

  private static MemorySegment symbol(String name) {
    SymbolLookup loaded = SymbolLookup.loaderLookup();
    return loaded
        .find(name)
        .or(() -> SymbolLookup.libraryLookup("libcuda.so.1", Arena.global()).find(name))
        .orElseThrow(() -> new CudaException("the NVIDIA driver lacks " + name + "."));
  }

  /**
   * The driver's calls for graphs, by the names that its library exports; those of its header
   * changed their parameters between versions.
   */
  static final class Graphs {
    /** Nothing that other threads do ends the recording, and memory may be taken meanwhile. */
    private static final int RELAXED = 2;

    private static final MethodHandle BEGIN =
        handle("cuStreamBeginCapture_v2", ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT);
    private static final MethodHandle END =
        handle("cuStreamEndCapture", ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
    private static final MethodHandle INSTANTIATE =
        handle(
            "cuGraphInstantiateWithFlags",
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    private static final MethodHandle LAUNCH =
        handle("cuGraphLaunch", ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    private static final MethodHandle DESTROY = handle("cuGraphDestroy", ValueLayout.JAVA_LONG);
    private static final MethodHandle DESTROY_EXECUTABLE =
        handle("cuGraphExecDestroy", ValueLayout.JAVA_LONG);

    private Graphs() {}

    private static MethodHandle handle(String name, MemoryLayout... parameters) {
      return Linker.nativeLinker()
          .downcallHandle(symbol(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
    }

    private interface Call {
      int run() throws Throwable;
    }

    private static int status(Call call) {
      try {
        return call.run();
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    static void begin(long stream) {
      CudaCheck.driver(
          status(() -> (int) BEGIN.invokeExact(stream, RELAXED)), "cuStreamBeginCapture");
    }

    /**
     * What was recorded.
     *
     * @param status of the driver's call
     * @param graph 0 when the recording had become invalid
     */
    record Recorded(int status, long graph) {}

    /** Ends recording. */
    static Recorded end(long stream) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment graph = arena.allocate(ValueLayout.JAVA_LONG);
        int status = status(() -> (int) END.invokeExact(stream, graph));
        return new Recorded(status, status == 0 ? graph.get(ValueLayout.JAVA_LONG, 0) : 0);
      }
    }

    /** Prepares a graph for launches. */
    static long instantiate(long graph) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment executable = arena.allocate(ValueLayout.JAVA_LONG);
        CudaCheck.driver(
            status(() -> (int) INSTANTIATE.invokeExact(executable, graph, 0L)),
            "cuGraphInstantiate");
        return executable.get(ValueLayout.JAVA_LONG, 0);
      }
    }

    static void launch(long executable, long stream) {
      CudaCheck.driver(status(() -> (int) LAUNCH.invokeExact(executable, stream)), "cuGraphLaunch");
    }

    static void destroy(long graph) {
      CudaCheck.driver(status(() -> (int) DESTROY.invokeExact(graph)), "cuGraphDestroy");
    }

    static void destroyExecutable(long executable) {
      CudaCheck.driver(
          status(() -> (int) DESTROY_EXECUTABLE.invokeExact(executable)), "cuGraphExecDestroy");
    }
  }
}
