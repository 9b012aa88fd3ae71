package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry;
import jdk.incubator.vector.FloatVector;

/**
 * Bicubic resizing of a channels-last map: every pixel sums its taps, the channels in vectors. The
 * gradient is the same sum with the taps turned round. Position embeddings are resized so, which is
 * rare and small; nothing is shared between pixels.
 */
final class CubicResize {
  private CubicResize() {}

  /** Pixel d reads index[start[d]] … index[start[d + 1] − 1], each with its weight. */
  private record Taps(int[] start, int[] index, float[] weight) {
    static Taps of(ResizeGeometry g, double scale, int in, int out) {
      Taps taps = new Taps(new int[out + 1], new int[4 * out], new float[4 * out]);
      for (int d = 0; d < out; d++) {
        double s = (d + 0.5) * scale - 0.5;
        if (g.alignCorners()) {
          s = out == 1 ? 0 : d * (in - 1.0) / (out - 1.0);
        }
        int first = (int) Math.floor(s) - 1;
        double f = s - Math.floor(s);
        for (int i = 0; i < 4; i++) {
          taps.index[4 * d + i] = Math.clamp(first + i, 0, in - 1);
          taps.weight[4 * d + i] = (float) cubic(Math.abs(f + 1 - i));
        }
        taps.start[d + 1] = 4 * d + 4;
      }
      return taps;
    }

    /** Cubic convolution kernel with a = −0.75. */
    private static double cubic(double t) {
      double a = -0.75;
      return t <= 1
          ? ((a + 2) * t - (a + 3)) * t * t + 1
          : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
    }

    /** For each of {@code inputs} inputs the outputs that read it, in ascending order. */
    Taps transposed(int inputs) {
      Taps t = new Taps(new int[inputs + 1], new int[index.length], new float[index.length]);
      for (int i : index) {
        t.start[i + 1]++;
      }
      for (int i = 0; i < inputs; i++) {
        t.start[i + 1] += t.start[i];
      }
      int[] next = t.start.clone();
      for (int k = 0; k < index.length; k++) {
        int to = next[index[k]]++;
        t.index[to] = k / 4;
        t.weight[to] = weight[k];
      }
      return t;
    }
  }

  static void forward(Tensor x, ResizeGeometry g, Tensor out) {
    Taps rows = Taps.of(g, g.scaleH(), x.dim(1), out.dim(1));
    Taps cols = Taps.of(g, g.scaleW(), x.dim(2), out.dim(2));
    gather(x, rows, cols, out);
  }

  static void backward(Tensor gradOut, ResizeGeometry g, Tensor gradX) {
    Taps rows = Taps.of(g, g.scaleH(), gradX.dim(1), gradOut.dim(1)).transposed(gradX.dim(1));
    Taps cols = Taps.of(g, g.scaleW(), gradX.dim(2), gradOut.dim(2)).transposed(gradX.dim(2));
    gather(gradOut, rows, cols, gradX);
  }

  /** to[b, y, x] = Σ over taps of rows(y) and cols(x) of weight·from. */
  private static void gather(Tensor from, Taps rows, Taps cols, Tensor to) {
    float[] in = from.floats();
    float[] out = to.floats();
    int height = to.dim(1);
    int width = to.dim(2);
    int c = to.dim(3);
    Parallel.forEach(
        to.dim(0) * height,
        task -> {
          int sample = task / height * from.dim(1) * from.dim(2) * c;
          for (int x = 0; x < width; x++) {
            pixel(
                in,
                sample,
                from.dim(2) * c,
                c,
                rows,
                task % height,
                cols,
                x,
                out,
                (task * width + x) * c);
          }
        });
  }

  private static void pixel(
      float[] in,
      int sample,
      int rowStride,
      int c,
      Taps rows,
      int y,
      Taps cols,
      int x,
      float[] out,
      int at) {
    int i = 0;
    for (; i <= c - LANES; i += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int r = rows.start[y]; r < rows.start[y + 1]; r++) {
        int row = sample + rows.index[r] * rowStride + i;
        for (int k = cols.start[x]; k < cols.start[x + 1]; k++) {
          sum =
              FloatVector.fromArray(SPECIES, in, row + cols.index[k] * c)
                  .fma(FloatVector.broadcast(SPECIES, rows.weight[r] * cols.weight[k]), sum);
        }
      }
      sum.intoArray(out, at + i);
    }
    for (; i < c; i++) {
      float sum = 0;
      for (int r = rows.start[y]; r < rows.start[y + 1]; r++) {
        int row = sample + rows.index[r] * rowStride + i;
        for (int k = cols.start[x]; k < cols.start[x + 1]; k++) {
          sum = Math.fma(in[row + cols.index[k] * c], rows.weight[r] * cols.weight[k], sum);
        }
      }
      out[at + i] = sum;
    }
  }
}
