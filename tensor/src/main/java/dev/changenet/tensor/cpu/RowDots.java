package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of many rows with a few rows, both contiguous: dot products vectorised along the sum,
 * four rows against two at a time. A result of two columns (class logits) or of few rows would
 * leave most lanes of {@link GemmKernels} idle.
 */
final class RowDots {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = S.length();

  /** Most rows of the smaller operand for which this is the better way. */
  static final int FEW = 4;

  /** Rows and few rows that one call of {@link #fourByTwo} combines. */
  static final int ROWS = 4;

  /** Floats that {@link #fourByTwo} needs at t; the sums are the first eight. */
  static final int SUMS = 2 * ROWS * LANES;

  private static final int[] ONE_SEGMENT = {0};
  private static final int BLOCK = 64;

  private RowDots() {}

  /** C = A·Bᵀ as {@link Gemm#multiply}, for few rows in A or in B as stored. */
  static void multiply(
      int m, int n, int k, Gemm.Operand a, Gemm.Operand b, float[] c, int cp, int ldc, Epilogue e) {
    if (n <= FEW) {
      Parallel.forBlocks(
          m, BLOCK, (from, to) -> rows(from, to, n, k, a, b, c, cp, ldc, 1, e, false));
    } else {
      Parallel.forBlocks(
          n, BLOCK, (from, to) -> rows(from, to, m, k, b, a, c, cp, 1, ldc, e, true));
    }
  }

  /** Rows [from, to) of {@code many} against all {@code few} rows of the other operand. */
  private static void rows(
      int from,
      int to,
      int few,
      int k,
      Gemm.Operand manyRows,
      Gemm.Operand fewRows,
      float[] c,
      int cp,
      int manyStep,
      int fewStep,
      Epilogue e,
      boolean biasByMany) {
    float[] t = Scratch.floats(Scratch.Slot.GEMM_TILE, SUMS);
    int last = to - 1;
    int stride = manyRows.stride();
    for (int i = from; i < to; i += ROWS) {
      for (int j = 0; j < few; j += 2) {
        fourByTwo(
            manyRows.data(),
            manyRows.offset() + i * stride,
            manyRows.offset() + Math.min(i + 1, last) * stride,
            manyRows.offset() + Math.min(i + 2, last) * stride,
            manyRows.offset() + Math.min(i + 3, last) * stride,
            ONE_SEGMENT,
            fewRows.data(),
            fewRows.offset() + j * fewRows.stride(),
            fewRows.offset() + Math.min(j + 1, few - 1) * fewRows.stride(),
            ONE_SEGMENT,
            1,
            k,
            t);
        for (int r = 0; r < Math.min(ROWS, to - i); r++) {
          for (int q = 0; q < Math.min(2, few - j); q++) {
            int at = cp + (i + r) * manyStep + (j + q) * fewStep;
            c[at] = finish(t[2 * r + q], e, c[at], biasByMany ? i + r : j + q);
          }
        }
      }
    }
  }

  private static float finish(float sum, Epilogue e, float before, int column) {
    float v = sum;
    if (e.accumulate()) {
      v += before;
    }
    if (e.bias() != null) {
      v += e.bias()[column];
    }
    return e.relu() ? Math.max(v, 0f) : v;
  }

  /**
   * t[2·i + j] = Σ over segments g and terms k of a[aᵢ + aStart[g] + k]·b[bⱼ + bStart[g] + k].
   *
   * @param segments number of pieces of {@code depth} terms that the sum consists of
   * @param t of {@link #SUMS} floats
   */
  static void fourByTwo(
      float[] a,
      int a0,
      int a1,
      int a2,
      int a3,
      int[] aStart,
      float[] b,
      int b0,
      int b1,
      int[] bStart,
      int segments,
      int depth,
      float[] t) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector p1 = p0;
    FloatVector p2 = p0;
    FloatVector p3 = p0;
    FloatVector q0 = p0;
    FloatVector q1 = p0;
    FloatVector q2 = p0;
    FloatVector q3 = p0;
    int whole = S.loopBound(depth);
    for (int g = 0; g < segments; g++) {
      int as = aStart[g];
      int bs = bStart[g];
      for (int k = 0; k < whole; k += LANES) {
        FloatVector x = FloatVector.fromArray(S, b, b0 + bs + k);
        FloatVector y = FloatVector.fromArray(S, b, b1 + bs + k);
        FloatVector v0 = FloatVector.fromArray(S, a, a0 + as + k);
        p0 = v0.fma(x, p0);
        q0 = v0.fma(y, q0);
        FloatVector v1 = FloatVector.fromArray(S, a, a1 + as + k);
        p1 = v1.fma(x, p1);
        q1 = v1.fma(y, q1);
        FloatVector v2 = FloatVector.fromArray(S, a, a2 + as + k);
        p2 = v2.fma(x, p2);
        q2 = v2.fma(y, q2);
        FloatVector v3 = FloatVector.fromArray(S, a, a3 + as + k);
        p3 = v3.fma(x, p3);
        q3 = v3.fma(y, q3);
      }
    }
    p0.intoArray(t, 0);
    q0.intoArray(t, LANES);
    p1.intoArray(t, 2 * LANES);
    q1.intoArray(t, 3 * LANES);
    p2.intoArray(t, 4 * LANES);
    q2.intoArray(t, 5 * LANES);
    p3.intoArray(t, 6 * LANES);
    q3.intoArray(t, 7 * LANES);
    sumLanes(t);
    if (whole < depth) {
      for (int g = 0; g < segments; g++) {
        rest(a, a0 + aStart[g], b, b0 + bStart[g], b1 + bStart[g], whole, depth, t, 0);
        rest(a, a1 + aStart[g], b, b0 + bStart[g], b1 + bStart[g], whole, depth, t, 2);
        rest(a, a2 + aStart[g], b, b0 + bStart[g], b1 + bStart[g], whole, depth, t, 4);
        rest(a, a3 + aStart[g], b, b0 + bStart[g], b1 + bStart[g], whole, depth, t, 6);
      }
    }
  }

  /**
   * Sums the lanes of the eight vectors at t, the results at 0 … 7. reduceLanes may add in another
   * order once compiled, which would make results depend on when that happens.
   */
  private static void sumLanes(float[] t) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    for (int l = 0; l < LANES; l++) {
      s0 += t[l];
      s1 += t[LANES + l];
      s2 += t[2 * LANES + l];
      s3 += t[3 * LANES + l];
      s4 += t[4 * LANES + l];
      s5 += t[5 * LANES + l];
      s6 += t[6 * LANES + l];
      s7 += t[7 * LANES + l];
    }
    t[0] = s0;
    t[1] = s1;
    t[2] = s2;
    t[3] = s3;
    t[4] = s4;
    t[5] = s5;
    t[6] = s6;
    t[7] = s7;
  }

  private static void rest(
      float[] a, int ap, float[] b, int b0, int b1, int from, int to, float[] t, int tp) {
    float p = t[tp];
    float q = t[tp + 1];
    for (int k = from; k < to; k++) {
      p += a[ap + k] * b[b0 + k];
      q += a[ap + k] * b[b1 + k];
    }
    t[tp] = p;
    t[tp + 1] = q;
  }
}
