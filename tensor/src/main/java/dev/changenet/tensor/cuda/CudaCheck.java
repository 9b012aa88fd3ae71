package dev.changenet.tensor.cuda;

import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** Turns status codes of driver and libraries into exceptions that name the call. */
final class CudaCheck {
  static final int OUT_OF_MEMORY = CUresult.CUDA_ERROR_OUT_OF_MEMORY;

  private CudaCheck() {}

  /** Throws unless {@code status}, returned by the driver's {@code call}, is success. */
  static void driver(int status, String call) {
    if (status != CUresult.CUDA_SUCCESS) {
      throw new CudaException(call + " failed: " + describe(status) + ".");
    }
  }

  static String describe(int status) {
    String[] text = {null};
    JCudaDriver.cuGetErrorString(status, text);
    return CUresult.stringFor(status) + (text[0] == null ? "" : " (" + text[0] + ")");
  }

  /** Throws unless {@code status}, returned by cuBLAS, is success. */
  static void cublas(int status, String call) {
    if (status != 0) {
      throw new CudaException(
          call + " failed: " + jcuda.jcublas.cublasStatus.stringFor(status) + ".");
    }
  }

  /** Throws unless {@code status}, returned by cuDNN, is success. */
  static void cudnn(int status, String call) {
    if (status != 0) {
      throw new CudaException(
          call + " failed: " + jcuda.jcudnn.JCudnn.cudnnGetErrorString(status) + ".");
    }
  }
}
