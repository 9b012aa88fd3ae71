package dev.changenet.tensor.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** The compiled kernels of one device, loaded family by family at first use. */
final class CudaModules {
  /** A kernel that can be launched. */
  static final class Kernel {
    final String name;
    final long address;
    private final CUfunction function;
    private int sharedBytes = 48 << 10;

    Kernel(String name, CUfunction function) {
      this.name = name;
      this.function = function;
      this.address = CudaDevice.addressOf(function);
    }

    /** Raises the limit of dynamic shared memory where {@code bytes} is above the usual 48 KiB. */
    void allowShared(int bytes) {
      if (bytes > sharedBytes) {
        CudaCheck.driver(
            JCudaDriver.cuFuncSetAttribute(
                function,
                CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                bytes),
            "cuFuncSetAttribute for " + name);
        sharedBytes = bytes;
      }
    }
  }

  private final int capability;
  private final Map<String, CUmodule> modules = new HashMap<>();
  private final Map<String, Kernel> kernels = new HashMap<>();

  /**
   * @param capability 10·major + minor of the device
   */
  CudaModules(int capability) {
    this.capability = capability;
  }

  Kernel kernel(String family, String name) {
    Kernel kernel = kernels.get(name);
    if (kernel == null) {
      CUfunction function = new CUfunction();
      CUmodule module = modules.computeIfAbsent(family, this::load);
      CudaCheck.driver(
          JCudaDriver.cuModuleGetFunction(function, module, name),
          "cuModuleGetFunction for " + name);
      kernel = new Kernel(name, function);
      kernels.put(name, kernel);
    }
    return kernel;
  }

  private CUmodule load(String family) {
    CUmodule module = new CUmodule();
    if (capability == 90 || capability / 10 == 8) {
      byte[] cubin = resource(family + (capability == 90 ? ".sm_90.cubin" : ".sm_80.cubin"));
      if (cubin != null && JCudaDriver.cuModuleLoadData(module, cubin) == 0) {
        return module;
      }
    }
    byte[] ptx = resource(family + ".ptx");
    if (ptx == null) {
      throw new CudaException("the kernels of " + family + " are missing; reinstall ChangeNet.");
    }
    CudaCheck.driver(
        JCudaDriver.cuModuleLoadData(module, Arrays.copyOf(ptx, ptx.length + 1)),
        "cuModuleLoadData for the kernels of " + family);
    return module;
  }

  /** False for a program that was built without the CUDA compiler. */
  static boolean areCompiled() {
    return CudaModules.class.getResource("/cuda/bin/elementwise.ptx") != null;
  }

  private static byte[] resource(String name) {
    try (InputStream in = CudaModules.class.getResourceAsStream("/cuda/bin/" + name)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new CudaException("cannot read the kernels " + name + ": " + e.getMessage() + ".", e);
    }
  }
}
