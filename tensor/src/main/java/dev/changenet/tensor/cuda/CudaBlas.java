package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;

/**
 * Matrix products by cuBLAS, seen in row-major order.
 *
 * <p>Its own workspace on one stream makes cuBLAS deterministic.
 */
final class CudaBlas {
  /** What cuBLAS recommends for Hopper GPUs. */
  private static final long WORKSPACE = 32L << 20;

  private static final int DEFAULT_ALGORITHM = -1;

  private final CudaDevice device;
  private final cublasHandle handle = new cublasHandle();
  private final Pointer one;
  private final Pointer zero;

  CudaBlas(CudaDevice device) {
    this.device = device;
    CudaLibraries.loadCublas();
    JCublas2.setExceptionsEnabled(false);
    device.bind();
    CudaCheck.cublas(JCublas2.cublasCreate(handle), "cublasCreate");
    CudaCheck.cublas(
        JCublas2.cublasSetStream(handle, new cudaStream_t(device.cudaStream())), "cublasSetStream");
    CudaCheck.cublas(
        JCublas2.cublasSetWorkspace(handle, new RawPointer(device.allocate(WORKSPACE)), WORKSPACE),
        "cublasSetWorkspace");
    MemorySegment constants = Arena.global().allocate(8, 8);
    constants.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1f);
    constants.setAtIndex(ValueLayout.JAVA_FLOAT, 1, 0f);
    one = new RawPointer(constants.address());
    zero = new RawPointer(constants.address() + 4);
  }

  /**
   * A row-major matrix in device memory.
   *
   * @param address of element 0, 0
   * @param type element type
   * @param transposed use the transpose of what is stored
   * @param stride elements from one stored row to the next
   * @param batchStride elements from one matrix of a batch to the next
   */
  record Matrix(long address, DType type, boolean transposed, int stride, long batchStride) {
    static Matrix of(long address, DType type, int stride) {
      return new Matrix(address, type, false, stride, 0);
    }

    Matrix transpose() {
      return new Matrix(address, type, !transposed, stride, batchStride);
    }
  }

  /**
   * out = a·b, or out += a·b, for each of {@code batch} matrices.
   *
   * @param m rows of out
   * @param n columns of out
   * @param k columns of a
   */
  void multiply(
      int m, int n, int k, Matrix a, Matrix b, Matrix out, boolean accumulate, int batch) {
    device.noteWork(m, n, k);
    device.noteWork(batch, accumulate ? 1 : 0, 0);
    if (device.renewing() != null) {
      return;
    }
    device.bind();
    Pointer beta = accumulate ? one : zero;
    int compute = compute(a.type());
    // Column-major cuBLAS sees every matrix transposed, so it is asked for outᵀ = bᵀ·aᵀ.
    int status =
        batch == 1
            ? JCublas2.cublasGemmEx_new(
                handle,
                operation(b),
                operation(a),
                n,
                m,
                k,
                one,
                new RawPointer(b.address()),
                type(b.type()),
                b.stride(),
                new RawPointer(a.address()),
                type(a.type()),
                a.stride(),
                beta,
                new RawPointer(out.address()),
                type(out.type()),
                out.stride(),
                compute,
                DEFAULT_ALGORITHM)
            : JCublas2.cublasGemmStridedBatchedEx_new(
                handle,
                operation(b),
                operation(a),
                n,
                m,
                k,
                one,
                new RawPointer(b.address()),
                type(b.type()),
                b.stride(),
                b.batchStride(),
                new RawPointer(a.address()),
                type(a.type()),
                a.stride(),
                a.batchStride(),
                beta,
                new RawPointer(out.address()),
                type(out.type()),
                out.stride(),
                out.batchStride(),
                batch,
                compute,
                DEFAULT_ALGORITHM);
    CudaCheck.cublas(
        status, "matrix product of " + batch + " times " + m + "x" + n + "x" + k + " by cuBLAS");
  }

  private static int operation(Matrix x) {
    return x.transposed() ? cublasOperation.CUBLAS_OP_T : cublasOperation.CUBLAS_OP_N;
  }

  private int compute(DType type) {
    return type == DType.FLOAT32 && device.tf32()
        ? cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32
        : cublasComputeType.CUBLAS_COMPUTE_32F;
  }

  private static int type(DType type) {
    return switch (type) {
      case FLOAT32 -> cudaDataType.CUDA_R_32F;
      case BFLOAT16 -> cudaDataType.CUDA_R_16BF;
      case FLOAT16 -> cudaDataType.CUDA_R_16F;
      default -> throw new IllegalArgumentException("cuBLAS is not used for " + type);
    };
  }
}
