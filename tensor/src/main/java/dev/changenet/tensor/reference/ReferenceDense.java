package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Dense;

/** Matrix products by triple loops. */
public final class ReferenceDense implements Dense {
  @Override
  public void linear(Tensor x, Tensor w, Tensor b, Tensor out) {
    int o = w.dim(0);
    int rows = out.rows();
    double[] y = product(Doubles.of(x), false, Doubles.of(w), true, 1, rows, x.dim(-1), o);
    if (b != null) {
      double[] bias = Doubles.of(b);
      for (int i = 0; i < y.length; i++) {
        y[i] += bias[i % o];
      }
    }
    Doubles.write(y, out);
  }

  @Override
  public void linearBackwardInput(Tensor gradOut, Tensor w, Tensor gradX) {
    int o = w.dim(0);
    double[] gx =
        product(
            Doubles.of(gradOut), false, Doubles.of(w), false, 1, gradX.rows(), o, gradX.dim(-1));
    Doubles.write(gx, gradX);
  }

  @Override
  public void linearBackwardWeight(Tensor gradOut, Tensor x, Tensor gradW, Tensor gradB) {
    int o = gradOut.dim(-1);
    double[] g = Doubles.of(gradOut);
    Doubles.write(product(g, true, Doubles.of(x), false, 1, o, x.rows(), x.dim(-1)), gradW);
    if (gradB != null) {
      double[] gb = new double[o];
      for (int i = 0; i < g.length; i++) {
        gb[i % o] += g[i];
      }
      Doubles.write(gb, gradB);
    }
  }

  @Override
  public void matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor out) {
    int m = out.dim(-2);
    int n = out.dim(-1);
    int k = a.dim(transposeA ? -2 : -1);
    int batch = (int) (out.elements() / ((long) m * n));
    Doubles.write(
        product(Doubles.of(a), transposeA, Doubles.of(b), transposeB, batch, m, k, n), out);
  }

  /** Returns op(a)·op(b), [batch, m, n], for op(a) of [m, k] and op(b) of [k, n]. */
  private static double[] product(
      double[] a, boolean ta, double[] b, boolean tb, int batch, int m, int k, int n) {
    double[] out = new double[batch * m * n];
    for (int z = 0; z < batch; z++) {
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int l = 0; l < k; l++) {
            double av = a[z * m * k + (ta ? l * m + i : i * k + l)];
            double bv = b[z * k * n + (tb ? j * k + l : l * n + j)];
            sum += av * bv;
          }
          out[(z * m + i) * n + j] = sum;
        }
      }
    }
    return out;
  }
}
