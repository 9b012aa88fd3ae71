package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Dense;
import dev.changenet.tensor.cuda.CudaBlas.Matrix;

/** Matrix products by cuBLAS; bias by our own kernels. */
final class CudaDense implements Dense {
  private final CudaDevice device;
  private final CudaElementwise elementwise;
  private final CudaWeights weights;

  CudaDense(CudaDevice device, CudaElementwise elementwise, CudaWeights weights) {
    this.device = device;
    this.elementwise = elementwise;
    this.weights = weights;
  }

  private Matrix matrix(Tensor t, int columns) {
    return Matrix.of(device.address(t), t.dtype(), columns);
  }

  private Matrix weight(Tensor w, DType type, int columns) {
    return Matrix.of(weights.cast(w, type), type, columns);
  }

  /** Weights [O, I, kh, kw] as a matrix [O, kh·kw·I] with elements of {@code type}. */
  Matrix channelsLast(Tensor w, DType type, int columns) {
    return Matrix.of(weights.channelsLast(w, type), type, columns);
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor b, Tensor out) {
    linear(x, w, b, false, out);
  }

  /** {@link #linear} and an optional ReLU. */
  void linear(Tensor x, Tensor w, Tensor b, boolean relu, Tensor out) {
    int o = w.dim(0);
    int i = x.dim(-1);
    Matrix wt = weight(w, x.dtype(), i).transpose();
    device.blas().multiply(x.rows(), o, i, matrix(x, i), wt, matrix(out, o), false, 1);
    if (b != null || relu) {
      elementwise.biasRows(out, b, relu, out);
    }
  }

  @Override
  public void linearBackwardInput(Tensor gradOut, Tensor w, Tensor gradX) {
    int o = w.dim(0);
    int i = gradX.dim(-1);
    Matrix wm = weight(w, gradOut.dtype(), i);
    device.blas().multiply(gradX.rows(), i, o, matrix(gradOut, o), wm, matrix(gradX, i), false, 1);
  }

  @Override
  public void linearBackwardWeight(Tensor gradOut, Tensor x, Tensor gradW, Tensor gradB) {
    int o = gradOut.dim(-1);
    int i = x.dim(-1);
    Matrix gt = matrix(gradOut, o).transpose();
    device.blas().multiply(o, i, x.rows(), gt, matrix(x, i), matrix(gradW, i), false, 1);
    if (gradB != null) {
      elementwise.sumLeading(gradOut, gradB);
    }
  }

  @Override
  public void matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor out) {
    int batch = out.dim(0);
    int m = out.dim(1);
    int n = out.dim(2);
    int k = transposeA ? a.dim(1) : a.dim(2);
    device
        .blas()
        .multiply(
            m,
            n,
            k,
            batched(a, transposeA),
            batched(b, transposeB),
            batched(out, false),
            false,
            batch);
  }

  private Matrix batched(Tensor t, boolean transposed) {
    return new Matrix(
        device.address(t), t.dtype(), transposed, t.dim(2), (long) t.dim(1) * t.dim(2));
  }
}
