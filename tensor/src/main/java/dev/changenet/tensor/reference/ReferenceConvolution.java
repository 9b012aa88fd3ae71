package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;

/**
 * 2-d convolutions by direct summation, any number of groups. A transposed convolution is the input
 * gradient of a convolution and the other way round, so three loops serve six methods.
 */
public final class ReferenceConvolution implements Convolution {
  /** Sizes of one convolution from large map [b, h, w, c] to small map [b, oh, ow, o]. */
  private record Sizes(int b, int h, int w, int c, int oh, int ow, int o, int kh, int kw) {
    static Sizes of(Tensor large, Tensor small, Tensor weight) {
      return new Sizes(
          large.dim(0),
          large.dim(1),
          large.dim(2),
          large.dim(3),
          small.dim(1),
          small.dim(2),
          small.dim(3),
          weight.dim(2),
          weight.dim(3));
    }
  }

  /**
   * Takes some products of the convolution's sum: of one position of the small map with consecutive
   * positions of the large map and with weights {@code step} apart.
   */
  private interface Products {
    void take(int large, int small, int weight, int step, int count);
  }

  private static void forEachProduct(Sizes s, ConvGeometry g, Products products) {
    int cPerGroup = s.c / g.groups();
    int oPerGroup = s.o / g.groups();
    int taps = s.kh * s.kw;
    for (int b = 0; b < s.b; b++) {
      for (int oy = 0; oy < s.oh; oy++) {
        for (int ox = 0; ox < s.ow; ox++) {
          for (int ky = 0; ky < s.kh; ky++) {
            for (int kx = 0; kx < s.kw; kx++) {
              int y = oy * g.stride() - g.padding() + ky;
              int x = ox * g.stride() - g.padding() + kx;
              if (y < 0 || y >= s.h || x < 0 || x >= s.w) {
                continue;
              }
              int large = ((b * s.h + y) * s.w + x) * s.c;
              int small = ((b * s.oh + oy) * s.ow + ox) * s.o;
              for (int o = 0; o < s.o; o++) {
                int weight = o * cPerGroup * taps + ky * s.kw + kx;
                products.take(
                    large + o / oPerGroup * cPerGroup, small + o, weight, taps, cPerGroup);
              }
            }
          }
        }
      }
    }
  }

  private static double[] toSmall(Tensor large, Tensor w, ConvGeometry g, Tensor small) {
    double[] x = Doubles.of(large);
    double[] weights = Doubles.of(w);
    double[] sum = new double[(int) small.elements()];
    forEachProduct(
        Sizes.of(large, small, w),
        g,
        (l, s, k, step, count) -> {
          for (int i = 0; i < count; i++) {
            sum[s] += x[l + i] * weights[k + i * step];
          }
        });
    return sum;
  }

  private static double[] toLarge(Tensor small, Tensor w, ConvGeometry g, Tensor large) {
    double[] x = Doubles.of(small);
    double[] weights = Doubles.of(w);
    double[] sum = new double[(int) large.elements()];
    forEachProduct(
        Sizes.of(large, small, w),
        g,
        (l, s, k, step, count) -> {
          for (int i = 0; i < count; i++) {
            sum[l + i] += x[s] * weights[k + i * step];
          }
        });
    return sum;
  }

  private static double[] toWeight(Tensor large, Tensor small, ConvGeometry g, Tensor w) {
    double[] a = Doubles.of(large);
    double[] b = Doubles.of(small);
    double[] sum = new double[(int) w.elements()];
    forEachProduct(
        Sizes.of(large, small, w),
        g,
        (l, s, k, step, count) -> {
          for (int i = 0; i < count; i++) {
            sum[k + i * step] += a[l + i] * b[s];
          }
        });
    return sum;
  }

  private static void addBias(double[] y, Tensor b) {
    if (b != null) {
      double[] bias = Doubles.of(b);
      for (int i = 0; i < y.length; i++) {
        y[i] += bias[i % bias.length];
      }
    }
  }

  private static void biasGradient(Tensor gradOut, Tensor gradB) {
    if (gradB != null) {
      double[] g = Doubles.of(gradOut);
      double[] sum = new double[(int) gradB.elements()];
      for (int i = 0; i < g.length; i++) {
        sum[i % sum.length] += g[i];
      }
      Doubles.write(sum, gradB);
    }
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor b, ConvGeometry geometry, boolean relu, Tensor out) {
    double[] y = toSmall(x, w, geometry, out);
    addBias(y, b);
    if (relu) {
      for (int i = 0; i < y.length; i++) {
        y[i] = Math.max(0.0, y[i]);
      }
    }
    Doubles.write(y, out);
  }

  @Override
  public void conv2dBackwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    Doubles.write(toLarge(gradOut, w, geometry, gradX), gradX);
  }

  @Override
  public void conv2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB) {
    Doubles.write(toWeight(x, gradOut, geometry, gradW), gradW);
    biasGradient(gradOut, gradB);
  }

  @Override
  public void convTranspose2d(Tensor x, Tensor w, Tensor b, ConvGeometry geometry, Tensor out) {
    double[] y = toLarge(x, w, geometry, out);
    addBias(y, b);
    Doubles.write(y, out);
  }

  @Override
  public void convTranspose2dBackwardInput(
      Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    Doubles.write(toSmall(gradOut, w, geometry, gradX), gradX);
  }

  @Override
  public void convTranspose2dBackwardWeight(
      Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW, Tensor gradB) {
    Doubles.write(toWeight(gradOut, x, geometry, gradW), gradW);
    biasGradient(gradOut, gradB);
  }
}
