package dev.changenet.tensor.cuda;

import java.io.PrintStream;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;

/**
 * A JVM of its own for one try to use the GPU: prints the outcome, or the message of the {@link
 * CudaException}.
 */
final class CudaProbe {
  private CudaProbe() {}

  public static void main(String[] args) {
    PrintStream out = System.out;
    try {
      out.println(
          switch (args[0]) {
            case "cublas" -> product();
            case "cudnn" -> CudaBackend.of(0).deviceName() + CudaBackend.of(0).settings();
            default -> "GPUs: " + CudaBackend.count();
          });
    } catch (CudaException e) {
      out.println(e.getMessage());
    }
  }

  /** Version of cuBLAS and the product of [[1, 2], [3, 4]] with itself, by it. */
  private static String product() {
    CudaDevice device = new CudaDevice(0);
    CudaLibraries.loadCublas();
    cublasHandle handle = new cublasHandle();
    CudaCheck.cublas(JCublas2.cublasCreate(handle), "cublasCreate");
    int[] version = {0};
    CudaCheck.cublas(JCublas2.cublasGetVersion(handle, version), "cublasGetVersion");
    try (var a = device.temporary(new float[] {1, 2, 3, 4});
        var c = device.temporary(new float[4])) {
      Pointer one = Pointer.to(new float[] {1});
      Pointer zero = Pointer.to(new float[] {0});
      Pointer at = device.pointer(a);
      int op = cublasOperation.CUBLAS_OP_N;
      CudaCheck.cublas(
          JCublas2.cublasSgemm(
              handle, op, op, 2, 2, 2, one, at, 2, at, 2, zero, device.pointer(c), 2),
          "cublasSgemm");
      return "cuBLAS " + version[0] + ": " + java.util.Arrays.toString(c.toFloatArray());
    }
  }
}
