package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * FAN's channel gate for one head of one sample: a block of n tokens × d channels inside rows of c
 * channels, whose softmaxes over the tokens are made in the thread's scratch buffer.
 */
final class ChannelGate {
  private ChannelGate() {}

  /** out = temperature·sigmoid(s)·v; writes sigmoid(s) for the head's channels. */
  static void forward(
      float[] q,
      float[] x,
      float[] v,
      int at,
      int n,
      int c,
      int d,
      float temperature,
      float[] out,
      float[] sigmoid,
      int sigmoidAt) {
    int width = VectorMath.roundUp(d);
    int keysAt = 0;
    int queriesAt = keysAt + n * width;
    int meanAt = queriesAt + n * width;
    int sumAt = meanAt + n;
    float[] s = Scratch.floats(Scratch.Slot.ATTENTION, sumAt + width);
    softmaxOverTokens(x, at, n, c, d, s, keysAt, width);
    softmaxOverTokens(q, at, n, c, d, s, queriesAt, width);
    headMeans(s, keysAt, n, d, width, meanAt);
    weightedSum(s, queriesAt, n, width, meanAt, sumAt);
    for (int j = 0; j < d; j++) {
      float gate = (float) (1 / (1 + Math.exp(-s[sumAt + j])));
      sigmoid[sigmoidAt + j] = gate;
      s[sumAt + j] = temperature * gate;
    }
    for (int i = 0; i < n; i++) {
      multiplyRow(v, at + i * c, s, sumAt, d, out);
    }
  }

  /** Writes the three gradients of the head and returns its part of the temperature's. */
  static float backward(
      float[] g,
      float[] q,
      float[] x,
      float[] v,
      int at,
      int n,
      int c,
      int d,
      float temperature,
      float[] sigmoid,
      int sigmoidAt,
      float[] gq,
      float[] gx,
      float[] gv) {
    int width = VectorMath.roundUp(d);
    int keysAt = 0;
    int queriesAt = keysAt + n * width;
    int meanAt = queriesAt + n * width;
    int keyGradientAt = meanAt + n;
    int sumAt = keyGradientAt + n;
    int gateAt = sumAt + width;
    int slopeAt = gateAt + width;
    int dotAt = slopeAt + width;
    float[] s = Scratch.floats(Scratch.Slot.ATTENTION, dotAt + width);
    softmaxOverTokens(x, at, n, c, d, s, keysAt, width);
    softmaxOverTokens(q, at, n, c, d, s, queriesAt, width);
    headMeans(s, keysAt, n, d, width, meanAt);
    weightedSum(s, queriesAt, n, width, meanAt, sumAt);
    productSums(g, v, at, n, c, d, s, dotAt, width);
    double gradTemperature = 0;
    Arrays.fill(s, slopeAt, slopeAt + width, 0f);
    for (int j = 0; j < d; j++) {
      double gate = sigmoid[sigmoidAt + j];
      gradTemperature += gate * s[dotAt + j];
      s[gateAt + j] = (float) (temperature * gate);
      s[slopeAt + j] = (float) (temperature * gate * (1 - gate) * s[dotAt + j]);
    }
    // Gradient of the mean key softmax; each channel of the head receives a d-th of it.
    for (int i = 0; i < n; i++) {
      s[keyGradientAt + i] = RowKernels.dot(s, queriesAt + i * width, s, slopeAt, width) / d;
    }
    weightedSum(s, keysAt, n, width, keyGradientAt, dotAt);
    for (int i = 0; i < n; i++) {
      int row = at + i * c;
      multiplyRow(g, row, s, gateAt, d, gv);
      int queries = queriesAt + i * width;
      int keys = keysAt + i * width;
      queryGradientRow(s, queries, slopeAt, s[meanAt + i], sumAt, d, gq, row);
      keyGradientRow(s, keys, s[keyGradientAt + i], dotAt, d, gx, row);
    }
    return (float) gradTemperature;
  }

  private static void softmaxOverTokens(
      float[] x, int at, int n, int c, int d, float[] out, int outAt, int width) {
    for (int j = 0; j < d; j += LANES) {
      softmaxColumns(x, at + j, n, c, VectorMath.firstLanes(d - j), out, outAt + j, width);
    }
  }

  /** One vector of columns; lanes outside the mask are written as 0. */
  private static void softmaxColumns(
      float[] x, int at, int n, int c, VectorMask<Float> mask, float[] out, int outAt, int width) {
    FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < n; i++) {
      max = max.max(FloatVector.fromArray(SPECIES, x, at + i * c, mask));
    }
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector sum = zero;
    for (int i = 0; i < n; i++) {
      FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, x, at + i * c, mask).sub(max));
      e = zero.blend(e, mask);
      sum = sum.add(e);
      e.intoArray(out, outAt + i * width);
    }
    FloatVector inverse = FloatVector.broadcast(SPECIES, 1f).div(sum, mask);
    for (int i = 0; i < n; i++) {
      int o = outAt + i * width;
      FloatVector.fromArray(SPECIES, out, o).mul(inverse).intoArray(out, o);
    }
  }

  /** s[meanAt + i] = mean of row i of the matrix at {@code matrixAt}, of which d columns count. */
  private static void headMeans(float[] s, int matrixAt, int n, int d, int width, int meanAt) {
    for (int i = 0; i < n; i++) {
      s[meanAt + i] = RowKernels.sum(s, matrixAt + i * width, width) / d;
    }
  }

  /** s[sumAt + j] = Σᵢ s[weightAt + i]·matrix[i, j]. */
  private static void weightedSum(
      float[] s, int matrixAt, int n, int width, int weightAt, int sumAt) {
    for (int j = 0; j < width; j += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = 0; i < n; i++) {
        FloatVector m = FloatVector.fromArray(SPECIES, s, matrixAt + i * width + j);
        sum = m.fma(FloatVector.broadcast(SPECIES, s[weightAt + i]), sum);
      }
      sum.intoArray(s, sumAt + j);
    }
  }

  /** s[sumAt + j] = Σᵢ a[i, j]·b[i, j]. */
  private static void productSums(
      float[] a, float[] b, int at, int n, int c, int d, float[] s, int sumAt, int width) {
    for (int j = 0; j < width; j += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(d - j);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = 0; i < n; i++) {
        FloatVector u = FloatVector.fromArray(SPECIES, a, at + i * c + j, mask);
        sum = u.fma(FloatVector.fromArray(SPECIES, b, at + i * c + j, mask), sum);
      }
      sum.intoArray(s, sumAt + j);
    }
  }

  private static void multiplyRow(float[] x, int at, float[] w, int wAt, int n, float[] out) {
    int j = 0;
    for (; j <= n - LANES; j += LANES) {
      FloatVector.fromArray(SPECIES, x, at + j)
          .mul(FloatVector.fromArray(SPECIES, w, wAt + j))
          .intoArray(out, at + j);
    }
    for (; j < n; j++) {
      out[at + j] = x[at + j] * w[wAt + j];
    }
  }

  /** gq = Q·slope·(mean − s): Σₙ Q·mean over the tokens is s itself. */
  private static void queryGradientRow(
      float[] s, int queries, int slopeAt, float mean, int sumAt, int n, float[] gq, int at) {
    int j = 0;
    for (; j <= n - LANES; j += LANES) {
      FloatVector centred =
          FloatVector.broadcast(SPECIES, mean).sub(FloatVector.fromArray(SPECIES, s, sumAt + j));
      FloatVector.fromArray(SPECIES, s, queries + j)
          .mul(FloatVector.fromArray(SPECIES, s, slopeAt + j))
          .mul(centred)
          .intoArray(gq, at + j);
    }
    for (; j < n; j++) {
      gq[at + j] = s[queries + j] * s[slopeAt + j] * (mean - s[sumAt + j]);
    }
  }

  /** gx = K·(gradient − dot), with dot = Σₙ K·gradient per channel. */
  private static void keyGradientRow(
      float[] s, int keys, float gradient, int dotAt, int n, float[] gx, int at) {
    int j = 0;
    for (; j <= n - LANES; j += LANES) {
      FloatVector.broadcast(SPECIES, gradient)
          .sub(FloatVector.fromArray(SPECIES, s, dotAt + j))
          .mul(FloatVector.fromArray(SPECIES, s, keys + j))
          .intoArray(gx, at + j);
    }
    for (; j < n; j++) {
      gx[at + j] = s[keys + j] * (gradient - s[dotAt + j]);
    }
  }
}
