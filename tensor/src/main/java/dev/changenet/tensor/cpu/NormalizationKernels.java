package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Row loops of layer norm and batch norm; {@code at} is the index of the row's first element. */
final class NormalizationKernels {
  private static final int SHIFT_ROWS = 16;

  private NormalizationKernels() {}

  /** out = (x − mean)·rstd·w + b with one mean and rstd for the row. */
  static void normalizeRow(
      float[] x, int at, int n, float mean, float rstd, float[] w, float[] b, float[] out) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, x, at + i)
          .sub(mean)
          .mul(rstd)
          .fma(FloatVector.fromArray(SPECIES, w, i), FloatVector.fromArray(SPECIES, b, i))
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = Math.fma((x[at + i] - mean) * rstd, w[i], b[i]);
    }
  }

  /** out = (x − mean)·scale + b with a mean and scale per column. */
  static void scaleRow(
      float[] x, int at, int n, float[] mean, float[] scale, int group, float[] b, float[] out) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, x, at + i)
          .sub(FloatVector.fromArray(SPECIES, mean, group + i))
          .fma(
              FloatVector.fromArray(SPECIES, scale, group + i),
              FloatVector.fromArray(SPECIES, b, i))
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = Math.fma(x[at + i] - mean[group + i], scale[group + i], b[i]);
    }
  }

  /** sums[0 … n) += g·(x − mean)·rstd, sums[n … 2n) += g. */
  static void addNormalizedProduct(
      float[] g, float[] x, int at, int n, float mean, float rstd, float[] sums, int sumsAt) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector gv = FloatVector.fromArray(SPECIES, g, at + i);
      FloatVector hat = FloatVector.fromArray(SPECIES, x, at + i).sub(mean).mul(rstd);
      gv.fma(hat, FloatVector.fromArray(SPECIES, sums, sumsAt + i)).intoArray(sums, sumsAt + i);
      gv.add(FloatVector.fromArray(SPECIES, sums, sumsAt + n + i)).intoArray(sums, sumsAt + n + i);
    }
    for (; i < n; i++) {
      float hat = (x[at + i] - mean) * rstd;
      sums[sumsAt + i] = Math.fma(g[at + i], hat, sums[sumsAt + i]);
      sums[sumsAt + n + i] += g[at + i];
    }
  }

  /**
   * gx = rstd·(h − Σh/n − x̂·Σ(h·x̂)/divisor) with h = g·w and x̂ = (x − mean)·rstd.
   *
   * @param divisor that of the variance: n or n − 1
   */
  static void layerNormGradient(
      float[] g,
      float[] x,
      int at,
      int n,
      float mean,
      float rstd,
      float[] w,
      float divisor,
      float[] gx) {
    FloatVector sum = FloatVector.zero(SPECIES);
    FloatVector product = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector h =
          FloatVector.fromArray(SPECIES, g, at + i).mul(FloatVector.fromArray(SPECIES, w, i));
      sum = sum.add(h);
      product = FloatVector.fromArray(SPECIES, x, at + i).sub(mean).mul(rstd).fma(h, product);
    }
    if (i < n) {
      VectorMask<Float> mask = VectorMath.firstLanes(n - i);
      FloatVector h =
          FloatVector.fromArray(SPECIES, g, at + i, mask)
              .mul(FloatVector.fromArray(SPECIES, w, i, mask));
      sum = sum.add(h);
      FloatVector xv = FloatVector.fromArray(SPECIES, x, at + i, mask);
      product = xv.sub(mean).mul(rstd).fma(h, product);
    }
    applyLayerNormGradient(
        g, x, at, n, mean, rstd, w, VectorMath.sum(sum) / n, VectorMath.sum(product) / divisor, gx);
  }

  private static void applyLayerNormGradient(
      float[] g,
      float[] x,
      int at,
      int n,
      float mean,
      float rstd,
      float[] w,
      float meanH,
      float slope,
      float[] gx) {
    FloatVector minusSlope = FloatVector.broadcast(SPECIES, -slope);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector h =
          FloatVector.fromArray(SPECIES, g, at + i)
              .mul(FloatVector.fromArray(SPECIES, w, i))
              .sub(meanH);
      FloatVector hat = FloatVector.fromArray(SPECIES, x, at + i).sub(mean).mul(rstd);
      hat.fma(minusSlope, h).mul(rstd).intoArray(gx, at + i);
    }
    for (; i < n; i++) {
      float h = g[at + i] * w[i] - meanH;
      gx[at + i] = Math.fma((x[at + i] - mean) * rstd, -slope, h) * rstd;
    }
  }

  /**
   * Sums of x − k and (x − k)² over the rows from … to − 1, and k, which is the mean of the first
   * few of these rows: the shift keeps the squares near the variance, so one pass is accurate.
   *
   * @param sums 3n values from sumsAt on
   */
  static void blockMoments(float[] x, int from, int to, int n, float[] sums, int sumsAt) {
    int few = Math.min(to - from, SHIFT_ROWS);
    int shiftAt = sumsAt + 2 * n;
    RowBlocks.sumRows(x, from, from + few, n, sums, shiftAt);
    RowKernels.scale(sums, shiftAt, n, 1f / few, sums, shiftAt);
    Arrays.fill(sums, sumsAt, shiftAt, 0f);
    for (int r = from; r < to; r++) {
      addMoments(x, r * n, n, sums, sumsAt);
    }
  }

  private static void addMoments(float[] x, int at, int n, float[] sums, int sumsAt) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector d =
          FloatVector.fromArray(SPECIES, x, at + i)
              .sub(FloatVector.fromArray(SPECIES, sums, sumsAt + 2 * n + i));
      FloatVector.fromArray(SPECIES, sums, sumsAt + i).add(d).intoArray(sums, sumsAt + i);
      d.fma(d, FloatVector.fromArray(SPECIES, sums, sumsAt + n + i))
          .intoArray(sums, sumsAt + n + i);
    }
    for (; i < n; i++) {
      float d = x[at + i] - sums[sumsAt + 2 * n + i];
      sums[sumsAt + i] += d;
      sums[sumsAt + n + i] = Math.fma(d, d, sums[sumsAt + n + i]);
    }
  }

  /** sums[0 … n) += g·(x − mean), sums[n … 2n) += g, with a mean per column from meanAt on. */
  static void addCentredProduct(
      float[] g, float[] x, int at, int n, float[] mean, int meanAt, float[] sums, int sumsAt) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector gv = FloatVector.fromArray(SPECIES, g, at + i);
      FloatVector d =
          FloatVector.fromArray(SPECIES, x, at + i)
              .sub(FloatVector.fromArray(SPECIES, mean, meanAt + i));
      gv.fma(d, FloatVector.fromArray(SPECIES, sums, sumsAt + i)).intoArray(sums, sumsAt + i);
      gv.add(FloatVector.fromArray(SPECIES, sums, sumsAt + n + i)).intoArray(sums, sumsAt + n + i);
    }
    for (; i < n; i++) {
      sums[sumsAt + i] = Math.fma(g[at + i], x[at + i] - mean[meanAt + i], sums[sumsAt + i]);
      sums[sumsAt + n + i] += g[at + i];
    }
  }

  /**
   * gx = f0·g + f1·(x − mean) + f2 with the mean from meanAt on and the factors at f[fAt], f[fAt +
   * n] and f[fAt + 2n].
   */
  static void batchNormGradient(
      float[] g,
      float[] x,
      int at,
      int n,
      float[] mean,
      int meanAt,
      float[] f,
      int fAt,
      float[] gx) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector d =
          FloatVector.fromArray(SPECIES, x, at + i)
              .sub(FloatVector.fromArray(SPECIES, mean, meanAt + i));
      FloatVector linear =
          d.fma(
              FloatVector.fromArray(SPECIES, f, fAt + n + i),
              FloatVector.fromArray(SPECIES, f, fAt + 2 * n + i));
      FloatVector.fromArray(SPECIES, g, at + i)
          .fma(FloatVector.fromArray(SPECIES, f, fAt + i), linear)
          .intoArray(gx, at + i);
    }
    for (; i < n; i++) {
      float linear = Math.fma(x[at + i] - mean[meanAt + i], f[fAt + n + i], f[fAt + 2 * n + i]);
      gx[at + i] = Math.fma(g[at + i], f[fAt + i], linear);
    }
  }
}
