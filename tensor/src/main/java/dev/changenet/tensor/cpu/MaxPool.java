package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.Tensor;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Max pooling of channels-last maps, the channels in vectors. The gradient gathers: every input
 * pixel looks which of its windows it won.
 */
final class MaxPool {
  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, SPECIES.vectorShape());

  private MaxPool() {}

  static void forward(Tensor x, int kernel, int stride, int padding, Tensor out, Tensor argmax) {
    float[] in = x.floats();
    float[] best = out.floats();
    int[] winner = argmax.ints();
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    int oh = out.dim(1);
    int ow = out.dim(2);
    Parallel.forEach(
        out.dim(0) * oh,
        task -> {
          int sample = task / oh * h * w * c;
          int top = task % oh * stride - padding;
          for (int ox = 0; ox < ow; ox++) {
            int left = ox * stride - padding;
            window(
                in,
                sample,
                w,
                c,
                Math.max(0, top),
                Math.min(h, top + kernel),
                Math.max(0, left),
                Math.min(w, left + kernel),
                best,
                winner,
                (task * ow + ox) * c);
          }
        });
  }

  private static void window(
      float[] in,
      int sample,
      int w,
      int c,
      int top,
      int bottom,
      int left,
      int right,
      float[] best,
      int[] winner,
      int at) {
    int i = 0;
    for (; i <= c - LANES; i += LANES) {
      FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
      IntVector index = IntVector.broadcast(INTS, top * w + left);
      for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
          int pixel = y * w + x;
          FloatVector v = FloatVector.fromArray(SPECIES, in, sample + pixel * c + i);
          VectorMask<Float> wins =
              v.compare(VectorOperators.GT, max).or(v.test(VectorOperators.IS_NAN));
          max = max.blend(v, wins);
          index = index.blend(pixel, wins.cast(INTS));
        }
      }
      max.intoArray(best, at + i);
      index.intoArray(winner, at + i);
    }
    for (; i < c; i++) {
      float max = Float.NEGATIVE_INFINITY;
      int index = top * w + left;
      for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
          float v = in[sample + (y * w + x) * c + i];
          if (v > max || Float.isNaN(v)) {
            max = v;
            index = y * w + x;
          }
        }
      }
      best[at + i] = max;
      winner[at + i] = index;
    }
  }

  static void backward(
      Tensor gradOut, Tensor argmax, int kernel, int stride, int padding, Tensor gradX) {
    float[] g = gradOut.floats();
    int[] winner = argmax.ints();
    float[] gx = gradX.floats();
    int h = gradX.dim(1);
    int w = gradX.dim(2);
    int c = gradX.dim(3);
    int oh = gradOut.dim(1);
    int ow = gradOut.dim(2);
    Parallel.forEach(
        gradX.dim(0) * h,
        task -> {
          int y = task % h;
          int sample = task / h * oh * ow * c;
          int firstRow = first(y, kernel, stride, padding);
          int lastRow = Math.min(oh - 1, (y + padding) / stride);
          for (int x = 0; x < w; x++) {
            windows(
                g,
                winner,
                sample,
                ow,
                c,
                firstRow,
                lastRow,
                first(x, kernel, stride, padding),
                Math.min(ow - 1, (x + padding) / stride),
                y * w + x,
                gx,
                (task * w + x) * c);
          }
        });
  }

  /** The first window that reads pixel {@code i} of an axis. */
  private static int first(int i, int kernel, int stride, int padding) {
    int beyond = i + padding - kernel + 1;
    return beyond <= 0 ? 0 : (beyond + stride - 1) / stride;
  }

  private static void windows(
      float[] g,
      int[] winner,
      int sample,
      int ow,
      int c,
      int firstRow,
      int lastRow,
      int firstColumn,
      int lastColumn,
      int pixel,
      float[] gx,
      int at) {
    int i = 0;
    for (; i <= c - LANES; i += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int y = firstRow; y <= lastRow; y++) {
        for (int x = firstColumn; x <= lastColumn; x++) {
          int from = sample + (y * ow + x) * c + i;
          VectorMask<Float> won =
              IntVector.fromArray(INTS, winner, from)
                  .compare(VectorOperators.EQ, pixel)
                  .cast(SPECIES);
          sum = sum.add(FloatVector.fromArray(SPECIES, g, from), won);
        }
      }
      sum.intoArray(gx, at + i);
    }
    for (; i < c; i++) {
      float sum = 0;
      for (int y = firstRow; y <= lastRow; y++) {
        for (int x = firstColumn; x <= lastColumn; x++) {
          int from = sample + (y * ow + x) * c + i;
          if (winner[from] == pixel) {
            sum += g[from];
          }
        }
      }
      gx[at + i] = sum;
    }
  }
}
