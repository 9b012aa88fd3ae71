package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Innermost loops of depthwise convolutions: one vector of channels, several pixels or taps. */
final class DepthwiseKernels {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  static final int LANES = S.length();

  /** Output pixels of one call of {@link #eightPixels}. */
  static final int PIXELS = 8;

  /** Taps of one call of {@link #fiveTaps}: two calls make 3×3 and ten make 7×7. */
  static final int TAPS = 5;

  private DepthwiseKernels() {}

  /**
   * out[op + p·outStep] = bias + Σ over taps of w[wp + tap·wStep]·x[xp + ky·rowStep + kx·LANES +
   * p·pixelStep] for eight pixels p.
   *
   * @param bias start of the sums, of the length of a vector at bp
   */
  static void eightPixels(
      float[] x,
      int xp,
      int rowStep,
      int pixelStep,
      float[] w,
      int wp,
      int wStep,
      int kh,
      int kw,
      float[] bias,
      int bp,
      float[] out,
      int op,
      int outStep) {
    FloatVector s0 = FloatVector.fromArray(S, bias, bp);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    FloatVector s5 = s0;
    FloatVector s6 = s0;
    FloatVector s7 = s0;
    int wt = wp;
    for (int ky = 0; ky < kh; ky++) {
      int at = xp + ky * rowStep;
      for (int kx = 0; kx < kw; kx++) {
        FloatVector v = FloatVector.fromArray(S, w, wt);
        s0 = FloatVector.fromArray(S, x, at).fma(v, s0);
        s1 = FloatVector.fromArray(S, x, at + pixelStep).fma(v, s1);
        s2 = FloatVector.fromArray(S, x, at + 2 * pixelStep).fma(v, s2);
        s3 = FloatVector.fromArray(S, x, at + 3 * pixelStep).fma(v, s3);
        s4 = FloatVector.fromArray(S, x, at + 4 * pixelStep).fma(v, s4);
        s5 = FloatVector.fromArray(S, x, at + 5 * pixelStep).fma(v, s5);
        s6 = FloatVector.fromArray(S, x, at + 6 * pixelStep).fma(v, s6);
        s7 = FloatVector.fromArray(S, x, at + 7 * pixelStep).fma(v, s7);
        wt += wStep;
        at += LANES;
      }
    }
    s0.intoArray(out, op);
    s1.intoArray(out, op + outStep);
    s2.intoArray(out, op + 2 * outStep);
    s3.intoArray(out, op + 3 * outStep);
    s4.intoArray(out, op + 4 * outStep);
    s5.intoArray(out, op + 5 * outStep);
    s6.intoArray(out, op + 6 * outStep);
    s7.intoArray(out, op + 7 * outStep);
  }

  /** {@link #eightPixels} for a single pixel. */
  static void onePixel(
      float[] x,
      int xp,
      int rowStep,
      float[] w,
      int wp,
      int wStep,
      int kh,
      int kw,
      float[] bias,
      int bp,
      float[] out,
      int op) {
    FloatVector s = FloatVector.fromArray(S, bias, bp);
    int wt = wp;
    for (int ky = 0; ky < kh; ky++) {
      int at = xp + ky * rowStep;
      for (int kx = 0; kx < kw; kx++) {
        s = FloatVector.fromArray(S, x, at).fma(FloatVector.fromArray(S, w, wt), s);
        wt += wStep;
        at += LANES;
      }
    }
    s.intoArray(out, op);
  }

  /**
   * Adds to five sums at t the products of a row of gradients with the inputs of five taps: tᵢ += Σ
   * over pixels p of g[gp + p·LANES]·x[xᵢ + p·pixelStep].
   */
  static void fiveTaps(
      float[] g,
      int gp,
      int pixels,
      float[] x,
      int x0,
      int x1,
      int x2,
      int x3,
      int x4,
      int pixelStep,
      float[] t,
      int tp) {
    FloatVector s0 = FloatVector.zero(S);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector s4 = s0;
    int shift = 0;
    for (int p = 0; p < pixels; p++) {
      FloatVector v = FloatVector.fromArray(S, g, gp + p * LANES);
      s0 = FloatVector.fromArray(S, x, x0 + shift).fma(v, s0);
      s1 = FloatVector.fromArray(S, x, x1 + shift).fma(v, s1);
      s2 = FloatVector.fromArray(S, x, x2 + shift).fma(v, s2);
      s3 = FloatVector.fromArray(S, x, x3 + shift).fma(v, s3);
      s4 = FloatVector.fromArray(S, x, x4 + shift).fma(v, s4);
      shift += pixelStep;
    }
    s0.add(FloatVector.fromArray(S, t, tp)).intoArray(t, tp);
    s1.add(FloatVector.fromArray(S, t, tp + LANES)).intoArray(t, tp + LANES);
    s2.add(FloatVector.fromArray(S, t, tp + 2 * LANES)).intoArray(t, tp + 2 * LANES);
    s3.add(FloatVector.fromArray(S, t, tp + 3 * LANES)).intoArray(t, tp + 3 * LANES);
    s4.add(FloatVector.fromArray(S, t, tp + 4 * LANES)).intoArray(t, tp + 4 * LANES);
  }

  /**
   * Copies channels [c0, c0 + count) of a rectangle of a map, zero outside the map, vector by
   * vector: lane l of vector v of pixel (r, k) goes to dst[dp + v·vectorStep + (r·columns +
   * k)·LANES + l]. Lanes past the last channel become 0.
   */
  static void copyPlanes(
      float[] x,
      int xp,
      int h,
      int w,
      int c,
      int c0,
      int count,
      int y0,
      int x0,
      int rows,
      int columns,
      float[] dst,
      int dp,
      int vectorStep) {
    for (int r = 0; r < rows; r++) {
      int y = y0 + r;
      boolean rowInside = y >= 0 && y < h;
      for (int k = 0; k < columns; k++) {
        int column = x0 + k;
        int to = dp + (r * columns + k) * LANES;
        if (rowInside && column >= 0 && column < w) {
          copyPixel(x, xp + (y * w + column) * c + c0, count, dst, to, vectorStep);
        } else {
          clearPixel(count, dst, to, vectorStep);
        }
      }
    }
  }

  private static void copyPixel(
      float[] x, int from, int count, float[] dst, int dp, int vectorStep) {
    int to = dp;
    int i = 0;
    for (; i + LANES <= count; i += LANES, to += vectorStep) {
      FloatVector.fromArray(S, x, from + i).intoArray(dst, to);
    }
    if (i < count) {
      for (int l = 0; l < LANES; l++) {
        dst[to + l] = i + l < count ? x[from + i + l] : 0f;
      }
    }
  }

  private static void clearPixel(int count, float[] dst, int dp, int vectorStep) {
    FloatVector zero = FloatVector.zero(S);
    int to = dp;
    for (int i = 0; i < count; i += LANES, to += vectorStep) {
      zero.intoArray(dst, to);
    }
  }
}
