package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;

/**
 * Resizing, where each axis is a list of weighted taps and the two are independent, and pooling.
 */
public final class ReferenceResample implements Resample {
  /** Where output index d of one axis reads: inputs index[d] with weights weight[d]. */
  private record Taps(int[][] index, double[][] weight) {
    static Taps of(ResizeGeometry g, double scale, int in, int out) {
      Taps taps = new Taps(new int[out][], new double[out][]);
      for (int d = 0; d < out; d++) {
        switch (g.mode()) {
          case NEAREST -> taps.set(d, in, (int) Math.floor(d * scale), 1);
          case BILINEAR -> {
            double s = Math.max(0, source(g, d, scale, in, out));
            double f = s - Math.floor(s);
            taps.set(d, in, (int) Math.floor(s), 1 - f, f);
          }
          case BICUBIC -> {
            double s = source(g, d, scale, in, out);
            double f = s - Math.floor(s);
            taps.set(
                d, in, (int) Math.floor(s) - 1, cubic(1 + f), cubic(f), cubic(1 - f), cubic(2 - f));
          }
        }
      }
      return taps;
    }

    private static double source(ResizeGeometry g, int d, double scale, int in, int out) {
      if (g.alignCorners()) {
        return out == 1 ? 0 : d * (double) (in - 1) / (out - 1);
      }
      return (d + 0.5) * scale - 0.5;
    }

    /** Cubic convolution kernel with a = −0.75 (Keys, 1981). */
    private static double cubic(double t) {
      double a = -0.75;
      return t <= 1
          ? ((a + 2) * t - (a + 3)) * t * t + 1
          : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
    }

    private void set(int d, int in, int first, double... weights) {
      index[d] = new int[weights.length];
      weight[d] = weights;
      for (int i = 0; i < weights.length; i++) {
        index[d][i] = Math.clamp(first + i, 0, in - 1);
      }
    }
  }

  /** Visits one weighted tap of the resize: element of the input, of the output, and weight. */
  private interface Tap {
    void visit(int in, int out, double weight);
  }

  private static void forEachTap(Tensor input, Tensor output, ResizeGeometry g, Tap tap) {
    int h = input.dim(1);
    int w = input.dim(2);
    int c = input.dim(3);
    int oh = output.dim(1);
    int ow = output.dim(2);
    Taps rows = Taps.of(g, g.scaleH(), h, oh);
    Taps cols = Taps.of(g, g.scaleW(), w, ow);
    for (int pixel = 0; pixel < output.dim(0) * oh * ow; pixel++) {
      int oy = pixel / ow % oh;
      int ox = pixel % ow;
      for (int i = 0; i < rows.index[oy].length; i++) {
        for (int j = 0; j < cols.index[ox].length; j++) {
          double weight = rows.weight[oy][i] * cols.weight[ox][j];
          if (weight == 0) {
            continue;
          }
          int in = ((pixel / (oh * ow) * h + rows.index[oy][i]) * w + cols.index[ox][j]) * c;
          for (int k = 0; k < c; k++) {
            tap.visit(in + k, pixel * c + k, weight);
          }
        }
      }
    }
  }

  @Override
  public void resize(Tensor x, ResizeGeometry geometry, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] y = new double[(int) out.elements()];
    forEachTap(x, out, geometry, (i, o, weight) -> y[o] += weight * xv[i]);
    Doubles.write(y, out);
  }

  @Override
  public void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX) {
    double[] g = Doubles.of(gradOut);
    double[] gx = new double[(int) gradX.elements()];
    forEachTap(gradX, gradOut, geometry, (i, o, weight) -> gx[i] += weight * g[o]);
    Doubles.write(gx, gradX);
  }

  @Override
  public void maxPool2d(Tensor x, int kernel, int stride, int padding, Tensor out, Tensor argmax) {
    double[] xv = Doubles.of(x);
    double[] best = new double[(int) out.elements()];
    double[] winner = new double[best.length];
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    int oh = out.dim(1);
    int ow = out.dim(2);
    for (int o = 0; o < best.length; o++) {
      int pixel = o / c;
      int top = pixel / ow % oh * stride - padding;
      int left = pixel % ow * stride - padding;
      winner[o] = -1;
      for (int y = Math.max(0, top); y < Math.min(h, top + kernel); y++) {
        for (int z = Math.max(0, left); z < Math.min(w, left + kernel); z++) {
          double value = xv[((pixel / (oh * ow) * h + y) * w + z) * c + o % c];
          if (winner[o] < 0 || value > best[o] || Double.isNaN(value)) {
            best[o] = value;
            winner[o] = y * w + z;
          }
        }
      }
    }
    Doubles.write(best, out);
    Doubles.write(winner, argmax);
  }

  @Override
  public void maxPool2dBackward(
      Tensor gradOut, Tensor argmax, int kernel, int stride, int padding, Tensor gradX) {
    double[] g = Doubles.of(gradOut);
    double[] gx = new double[(int) gradX.elements()];
    int c = gradX.dim(3);
    int perSample = gradX.dim(1) * gradX.dim(2);
    int windows = gradOut.dim(1) * gradOut.dim(2);
    for (int o = 0; o < g.length; o++) {
      gx[(o / c / windows * perSample + (int) argmax.at(o)) * c + o % c] += g[o];
    }
    Doubles.write(gx, gradX);
  }
}
