package dev.changenet.tensor.reference;

import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Elementwise;
import java.util.Arrays;

/** Copies, sums and pointwise functions, one element at a time. */
public final class ReferenceElementwise implements Elementwise {
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double INV_SQRT_TWO_PI = 1 / Math.sqrt(2 * Math.PI);

  @Override
  public void fill(Tensor x, double value) {
    double[] out = new double[(int) x.elements()];
    Arrays.fill(out, value);
    Doubles.write(out, x);
  }

  @Override
  public void copy(Tensor x, Tensor out) {
    copyBlocks(x, 0, 0, out, 0, 0, (int) x.elements(), 1);
  }

  @Override
  public void add(Tensor a, Tensor b, float alpha, Tensor out) {
    double[] av = Doubles.of(a);
    double[] bv = Doubles.of(b);
    double[] sum = new double[av.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = av[i] + alpha * bv[i];
    }
    Doubles.write(sum, out);
  }

  @Override
  public void addRepeated(Tensor a, Tensor b, Tensor out) {
    double[] av = Doubles.of(a);
    double[] bv = Doubles.of(b);
    double[] sum = new double[av.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = av[i] + bv[i % bv.length];
    }
    Doubles.write(sum, out);
  }

  @Override
  public void sumLeading(Tensor x, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] sum = new double[(int) out.elements()];
    for (int i = 0; i < xv.length; i++) {
      sum[i % sum.length] += xv[i];
    }
    Doubles.write(sum, out);
  }

  @Override
  public void scale(Tensor x, float alpha, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] y = new double[xv.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = alpha * xv[i];
    }
    Doubles.write(y, out);
  }

  @Override
  public void cast(Tensor x, Tensor out) {
    Doubles.write(Doubles.of(x).clone(), out);
  }

  @Override
  public void scaleBy(Tensor x, Tensor factor, Tensor out) {
    scale(x, (float) factor.item(), out);
  }

  @Override
  public void activation(Activation f, Tensor x, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] y = new double[xv.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = value(f, xv[i]);
    }
    Doubles.write(y, out);
  }

  @Override
  public void activationBackward(Activation f, Tensor x, Tensor gradOut, Tensor gradX) {
    double[] xv = Doubles.of(x);
    double[] g = Doubles.of(gradOut);
    double[] gx = new double[xv.length];
    for (int i = 0; i < gx.length; i++) {
      gx[i] = g[i] * derivative(f, xv[i]);
    }
    Doubles.write(gx, gradX);
  }

  private static double value(Activation f, double x) {
    return switch (f) {
      case NONE -> x;
      case RELU -> Math.max(0.0, x);
      case GELU -> 0.5 * x * (1 + ErrorFunction.erf(x * SQRT_HALF));
      case SIGMOID -> sigmoid(x);
      case SILU -> x * sigmoid(x);
    };
  }

  private static double derivative(Activation f, double x) {
    return switch (f) {
      case NONE -> 1;
      case RELU -> x <= 0 ? 0 : 1;
      case GELU ->
          0.5 * (1 + ErrorFunction.erf(x * SQRT_HALF))
              + x * INV_SQRT_TWO_PI * Math.exp(-0.5 * x * x);
      case SIGMOID -> sigmoid(x) * (1 - sigmoid(x));
      case SILU -> siluDerivative(x);
    };
  }

  private static double siluDerivative(double x) {
    double s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }

  @Override
  public void swiglu(Tensor x, Tensor out) {
    double[] xv = Doubles.of(x);
    int f = out.dim(-1);
    double[] y = new double[xv.length / 2];
    for (int i = 0; i < y.length; i++) {
      int gate = i / f * 2 * f + i % f;
      y[i] = value(Activation.SILU, xv[gate]) * xv[gate + f];
    }
    Doubles.write(y, out);
  }

  @Override
  public void swigluBackward(Tensor x, Tensor gradOut, Tensor gradX) {
    double[] xv = Doubles.of(x);
    double[] g = Doubles.of(gradOut);
    int f = gradOut.dim(-1);
    double[] gx = new double[xv.length];
    for (int i = 0; i < g.length; i++) {
      int gate = i / f * 2 * f + i % f;
      gx[gate] = g[i] * xv[gate + f] * siluDerivative(xv[gate]);
      gx[gate + f] = g[i] * value(Activation.SILU, xv[gate]);
    }
    Doubles.write(gx, gradX);
  }

  @Override
  public void addPerSample(Tensor x, Tensor y, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] yv = Doubles.of(y);
    int c = x.dim(-1);
    int perSample = xv.length / Math.max(1, x.dim(0));
    double[] sum = new double[xv.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = xv[i] + yv[i / perSample * c + i % c];
    }
    Doubles.write(sum, out);
  }

  @Override
  public void sumPerSample(Tensor x, Tensor out) {
    double[] xv = Doubles.of(x);
    int c = x.dim(-1);
    int perSample = xv.length / Math.max(1, x.dim(0));
    double[] sum = new double[(int) out.elements()];
    for (int i = 0; i < xv.length; i++) {
      sum[i / perSample * c + i % c] += xv[i];
    }
    Doubles.write(sum, out);
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Override
  public void residual(Tensor x, Tensor y, Tensor gamma, float[] sampleScale, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] yv = Doubles.of(y);
    double[] gammaV = Doubles.of(gamma);
    int c = x.dim(-1);
    int perSample = xv.length / Math.max(1, x.dim(0));
    double[] sum = new double[xv.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = xv[i] + factor(gammaV, c, sampleScale, perSample, i) * yv[i];
    }
    Doubles.write(sum, out);
  }

  @Override
  public void residualBackward(
      Tensor gradOut, Tensor y, Tensor gamma, float[] sampleScale, Tensor gradY, Tensor gradGamma) {
    double[] g = Doubles.of(gradOut);
    double[] yv = Doubles.of(y);
    double[] gammaV = Doubles.of(gamma);
    int c = gradOut.dim(-1);
    int perSample = g.length / Math.max(1, gradOut.dim(0));
    if (gradY != null) {
      double[] gy = new double[g.length];
      for (int i = 0; i < gy.length; i++) {
        gy[i] = factor(gammaV, c, sampleScale, perSample, i) * g[i];
      }
      Doubles.write(gy, gradY);
    }
    if (gradGamma != null) {
      double[] gGamma = new double[c];
      for (int i = 0; i < g.length; i++) {
        gGamma[i % c] += factor(null, c, sampleScale, perSample, i) * yv[i] * g[i];
      }
      Doubles.write(gGamma, gradGamma);
    }
  }

  private static double factor(
      double[] gamma, int channels, float[] sampleScale, int perSample, int i) {
    double scale = sampleScale == null ? 1 : sampleScale[i / perSample];
    return gamma == null ? scale : scale * gamma[i % channels];
  }

  @Override
  public void copyBlocks(
      Tensor src,
      long srcStart,
      long srcStride,
      Tensor dst,
      long dstStart,
      long dstStride,
      int length,
      int blocks) {
    if (src.dtype() != dst.dtype()) {
      throw new IllegalArgumentException(
          "copy: source is "
              + src.dtype()
              + ", destination "
              + dst.dtype()
              + "; both must have one type");
    }
    Object from = array(src);
    Object to = array(dst);
    for (int i = 0; i < blocks; i++) {
      System.arraycopy(
          from,
          Math.toIntExact(srcStart + i * srcStride),
          to,
          Math.toIntExact(dstStart + i * dstStride),
          length);
    }
  }

  private static Object array(Tensor t) {
    return ((HeapStorage) t.storage()).array();
  }

  @Override
  public void transpose(Tensor x, int batch, int rows, int cols, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] y = new double[xv.length];
    for (int b = 0; b < batch; b++) {
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
          y[(b * cols + j) * rows + i] = xv[(b * rows + i) * cols + j];
        }
      }
    }
    Doubles.write(y, out);
  }
}
