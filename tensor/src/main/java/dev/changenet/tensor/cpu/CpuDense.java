package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Dense;
import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import dev.changenet.tensor.reference.ReferenceDense;

/** Matrix products by {@link Gemm}. */
final class CpuDense implements Dense {
  /** From this many multiplications on, a product of a batch is itself split over threads. */
  private static final long LARGE = 1L << 24;

  private final Dense reference = new ReferenceDense();

  CpuDense() {}

  @Override
  public void linear(Tensor x, Tensor w, Tensor b, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.linear(x, w, b, out);
      return;
    }
    Epilogue e = new Epilogue(false, b == null ? null : b.floats(), false);
    linear(x.rows(), x.dim(-1), w.dim(0), x.floats(), w, out.floats(), e);
  }

  /** out [m, o] from x [m, i] and the transpose of w [o, i], kept packed where it is used again. */
  static void linear(int m, int i, int o, float[] x, Tensor w, float[] out, Epilogue e) {
    Operand a = Operand.of(x, i);
    Operand b = Operand.transposeOf(w.floats(), i);
    if (Math.min(m, o) <= RowDots.FEW || i == 0) {
      Gemm.multiply(m, o, i, a, b, out, 0, o, e);
      return;
    }
    PackedWeights.Key key =
        new PackedWeights.Key(PackedWeights.Form.LINEAR, Gemm.packedLength(o, i), o);
    float[] packed = PackedWeights.ofRepeated(w, key, p -> Gemm.packAll(b, o, i, p));
    if (packed == null) {
      Gemm.multiply(m, o, i, a, b, out, 0, o, e);
    } else {
      Gemm.multiplyPacked(m, o, i, a, packed, out, 0, o, e);
    }
  }

  @Override
  public void linearBackwardInput(Tensor gradOut, Tensor w, Tensor gradX) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.linearBackwardInput(gradOut, w, gradX);
      return;
    }
    int o = w.dim(0);
    int i = gradX.dim(-1);
    Gemm.multiply(
        gradOut.rows(),
        i,
        o,
        Operand.of(gradOut.floats(), o),
        Operand.of(w.floats(), i),
        gradX.floats(),
        0,
        i,
        Epilogue.OVERWRITE);
  }

  @Override
  public void linearBackwardWeight(Tensor gradOut, Tensor x, Tensor gradW, Tensor gradB) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.linearBackwardWeight(gradOut, x, gradW, gradB);
      return;
    }
    int m = x.rows();
    int i = x.dim(-1);
    int o = gradOut.dim(-1);
    Gemm.multiply(
        o,
        i,
        m,
        Operand.transposeOf(gradOut.floats(), o),
        Operand.of(x.floats(), i),
        gradW.floats(),
        0,
        i,
        Epilogue.OVERWRITE);
    if (gradB != null) {
      ColumnSums.run(gradOut.floats(), m, o, gradB.floats());
    }
  }

  @Override
  public void matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor out) {
    if (a.dtype() == DType.FLOAT64) {
      reference.matmul(a, transposeA, b, transposeB, out);
      return;
    }
    int batch = out.dim(0);
    int m = out.dim(1);
    int n = out.dim(2);
    int k = a.dim(transposeA ? 1 : 2);
    if ((long) m * n * k >= LARGE) {
      for (int i = 0; i < batch; i++) {
        multiply(i, m, n, k, a, transposeA, b, transposeB, out);
      }
    } else {
      Parallel.forEach(batch, i -> multiply(i, m, n, k, a, transposeA, b, transposeB, out));
    }
  }

  private static void multiply(
      int i,
      int m,
      int n,
      int k,
      Tensor a,
      boolean transposeA,
      Tensor b,
      boolean transposeB,
      Tensor out) {
    Gemm.multiply(
        m,
        n,
        k,
        new Operand(a.floats(), i * m * k, transposeA ? m : k, transposeA),
        new Operand(b.floats(), i * k * n, transposeB ? k : n, transposeB),
        out.floats(),
        i * m * n,
        n,
        Epilogue.OVERWRITE);
  }
}
