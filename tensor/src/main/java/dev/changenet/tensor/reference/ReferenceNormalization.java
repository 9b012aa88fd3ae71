package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Normalization;

/** Layer norm and batch norm with two-pass statistics. */
public final class ReferenceNormalization implements Normalization {
  @Override
  public void layerNorm(
      Tensor x,
      Tensor w,
      Tensor b,
      double eps,
      boolean unbiased,
      Tensor out,
      Tensor mean,
      Tensor rstd) {
    double[] xv = Doubles.of(x);
    double[] wv = Doubles.of(w);
    double[] bv = Doubles.of(b);
    int c = x.dim(-1);
    int rows = xv.length / c;
    double[] y = new double[xv.length];
    double[] means = new double[rows];
    double[] rstds = new double[rows];
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int i = 0; i < c; i++) {
        sum += xv[r * c + i];
      }
      means[r] = sum / c;
      double squares = 0;
      for (int i = 0; i < c; i++) {
        double d = xv[r * c + i] - means[r];
        squares += d * d;
      }
      rstds[r] = 1 / Math.sqrt(squares / (unbiased ? c - 1 : c) + eps);
      for (int i = 0; i < c; i++) {
        y[r * c + i] = (xv[r * c + i] - means[r]) * rstds[r] * wv[i] + bv[i];
      }
    }
    Doubles.write(y, out);
    Doubles.write(means, mean);
    Doubles.write(rstds, rstd);
  }

  @Override
  public void layerNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w,
      Tensor mean,
      Tensor rstd,
      boolean unbiased,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    double[] g = Doubles.of(gradOut);
    double[] xv = Doubles.of(x);
    double[] wv = Doubles.of(w);
    double[] means = Doubles.of(mean);
    double[] rstds = Doubles.of(rstd);
    int c = x.dim(-1);
    int divisor = unbiased ? c - 1 : c;
    double[] gx = new double[xv.length];
    double[] gw = new double[c];
    double[] gb = new double[c];
    double[] xHat = new double[c];
    for (int r = 0; r < means.length; r++) {
      double sum = 0;
      double dot = 0;
      for (int i = 0; i < c; i++) {
        xHat[i] = (xv[r * c + i] - means[r]) * rstds[r];
        sum += g[r * c + i] * wv[i];
        dot += g[r * c + i] * wv[i] * xHat[i];
        gw[i] += g[r * c + i] * xHat[i];
        gb[i] += g[r * c + i];
      }
      for (int i = 0; i < c; i++) {
        gx[r * c + i] = rstds[r] * (g[r * c + i] * wv[i] - sum / c - xHat[i] * dot / divisor);
      }
    }
    Doubles.write(gx, gradX);
    Doubles.write(gw, gradW);
    Doubles.write(gb, gradB);
  }

  @Override
  public void batchStatistics(Tensor x, Tensor mean, Tensor var) {
    double[] xv = Doubles.of(x);
    int c = x.dim(-1);
    double[] means = new double[(int) mean.elements()];
    double[] vars = new double[means.length];
    int group = xv.length / means.length * c;
    int rows = group / c;
    for (int i = 0; i < xv.length; i++) {
      means[i / group * c + i % c] += xv[i] / rows;
    }
    for (int i = 0; i < xv.length; i++) {
      int at = i / group * c + i % c;
      double d = xv[i] - means[at];
      vars[at] += d * d / rows;
    }
    Doubles.write(means, mean);
    Doubles.write(vars, var);
  }

  @Override
  public void batchNorm(
      Tensor x, Tensor mean, Tensor var, Tensor w, Tensor b, double eps, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] means = Doubles.of(mean);
    double[] rstds = rstd(var, eps);
    double[] wv = Doubles.of(w);
    double[] bv = Doubles.of(b);
    int c = x.dim(-1);
    int group = xv.length / means.length * c;
    double[] y = new double[xv.length];
    for (int i = 0; i < y.length; i++) {
      int ch = i % c;
      int at = i / group * c + ch;
      y[i] = (xv[i] - means[at]) * rstds[at] * wv[ch] + bv[ch];
    }
    Doubles.write(y, out);
  }

  @Override
  public void batchNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor mean,
      Tensor var,
      Tensor w,
      double eps,
      boolean batchStats,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    double[] g = Doubles.of(gradOut);
    double[] xv = Doubles.of(x);
    double[] means = Doubles.of(mean);
    double[] rstds = rstd(var, eps);
    double[] wv = Doubles.of(w);
    int c = x.dim(-1);
    int group = xv.length / means.length * c;
    int rows = group / c;
    double[] products = new double[means.length];
    double[] sums = new double[means.length];
    double[] gw = new double[c];
    double[] gb = new double[c];
    for (int i = 0; i < g.length; i++) {
      int ch = i % c;
      int at = i / group * c + ch;
      double product = g[i] * (xv[i] - means[at]) * rstds[at];
      products[at] += product;
      sums[at] += g[i];
      gw[ch] += product;
      gb[ch] += g[i];
    }
    double[] gx = new double[xv.length];
    for (int i = 0; i < gx.length; i++) {
      int ch = i % c;
      int at = i / group * c + ch;
      double centred = g[i];
      if (batchStats) {
        double xHat = (xv[i] - means[at]) * rstds[at];
        centred -= sums[at] / rows + xHat * products[at] / rows;
      }
      gx[i] = wv[ch] * rstds[at] * centred;
    }
    Doubles.write(gx, gradX);
    Doubles.write(gw, gradW);
    Doubles.write(gb, gradB);
  }

  private static double[] rstd(Tensor var, double eps) {
    double[] v = Doubles.of(var).clone();
    for (int i = 0; i < v.length; i++) {
      v[i] = 1 / Math.sqrt(v[i] + eps);
    }
    return v;
  }

  @Override
  public void updateRunning(
      Tensor mean, Tensor var, long n, double momentum, Tensor runningMean, Tensor runningVar) {
    if (n < 2) {
      throw new IllegalArgumentException(
          "batch norm: running variance needs at least 2 values per channel, got "
              + n
              + "; train with a larger batch or image");
    }
    double[] m = Doubles.of(runningMean).clone();
    double[] v = Doubles.of(runningVar).clone();
    double[] batchMean = Doubles.of(mean);
    double[] batchVar = Doubles.of(var);
    for (int j = 0; j < batchMean.length; j++) {
      int i = j % m.length;
      m[i] = (1 - momentum) * m[i] + momentum * batchMean[j];
      v[i] = (1 - momentum) * v[i] + momentum * batchVar[j] * n / (n - 1);
    }
    Doubles.write(m, runningMean);
    Doubles.write(v, runningVar);
    runningMean.storage().changed();
    runningVar.storage().changed();
  }
}
