package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels of {@link GemmKernels} for panels: MR rows of A, copied so that the values that meet
 * one row of B lie side by side. A panel is read from its first float to its last, which the memory
 * serves faster than rows far apart.
 */
final class GemmColumnKernels {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = GemmKernels.LANES;
  private static final int NR = GemmKernels.NR;

  /** Distance of what meets two neighbouring rows of B: a cache line where MR is 14. */
  static final int STEP = GemmKernels.MR > 8 ? 16 : 8;

  private GemmColumnKernels() {}

  /**
   * Computes {@code height} × NR sums: t[i·NR + j] = Σₖ a[ap + k·STEP + i]·b[bp + k·NR + j], added
   * to what t holds when {@code add}.
   *
   * @param height a value of {@link GemmKernels#height}; that many values of A are read for every k
   */
  static void multiply(
      int height, float[] a, int ap, float[] b, int bp, int depth, float[] t, int tp, boolean add) {
    switch (height) {
      case 14 -> rows14(a, ap, b, bp, depth, t, tp, add);
      case 8 -> rows8(a, ap, b, bp, depth, t, tp, add);
      case 6 -> rows6(a, ap, b, bp, depth, t, tp, add);
      case 4 -> rows4(a, ap, b, bp, depth, t, tp, add);
      default -> throw new IllegalArgumentException("no kernel of " + height + " rows");
    }
  }

  /** The kernel for 32 registers. */
  private static void rows14(
      float[] a, int ap, float[] b, int bp, int depth, float[] t, int tp, boolean add) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector q0 = p0;
    FloatVector p1 = FloatVector.zero(S);
    FloatVector q1 = p1;
    FloatVector p2 = FloatVector.zero(S);
    FloatVector q2 = p2;
    FloatVector p3 = FloatVector.zero(S);
    FloatVector q3 = p3;
    FloatVector p4 = FloatVector.zero(S);
    FloatVector q4 = p4;
    FloatVector p5 = FloatVector.zero(S);
    FloatVector q5 = p5;
    FloatVector p6 = FloatVector.zero(S);
    FloatVector q6 = p6;
    FloatVector p7 = FloatVector.zero(S);
    FloatVector q7 = p7;
    FloatVector p8 = FloatVector.zero(S);
    FloatVector q8 = p8;
    FloatVector p9 = FloatVector.zero(S);
    FloatVector q9 = p9;
    FloatVector p10 = FloatVector.zero(S);
    FloatVector q10 = p10;
    FloatVector p11 = FloatVector.zero(S);
    FloatVector q11 = p11;
    FloatVector p12 = FloatVector.zero(S);
    FloatVector q12 = p12;
    FloatVector p13 = FloatVector.zero(S);
    FloatVector q13 = p13;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(S, b, bp + k * NR);
      FloatVector y = FloatVector.fromArray(S, b, bp + k * NR + LANES);
      FloatVector v0 = FloatVector.broadcast(S, a[ap + k * STEP]);
      p0 = x.fma(v0, p0);
      q0 = y.fma(v0, q0);
      FloatVector v1 = FloatVector.broadcast(S, a[ap + k * STEP + 1]);
      p1 = x.fma(v1, p1);
      q1 = y.fma(v1, q1);
      FloatVector v2 = FloatVector.broadcast(S, a[ap + k * STEP + 2]);
      p2 = x.fma(v2, p2);
      q2 = y.fma(v2, q2);
      FloatVector v3 = FloatVector.broadcast(S, a[ap + k * STEP + 3]);
      p3 = x.fma(v3, p3);
      q3 = y.fma(v3, q3);
      FloatVector v4 = FloatVector.broadcast(S, a[ap + k * STEP + 4]);
      p4 = x.fma(v4, p4);
      q4 = y.fma(v4, q4);
      FloatVector v5 = FloatVector.broadcast(S, a[ap + k * STEP + 5]);
      p5 = x.fma(v5, p5);
      q5 = y.fma(v5, q5);
      FloatVector v6 = FloatVector.broadcast(S, a[ap + k * STEP + 6]);
      p6 = x.fma(v6, p6);
      q6 = y.fma(v6, q6);
      FloatVector v7 = FloatVector.broadcast(S, a[ap + k * STEP + 7]);
      p7 = x.fma(v7, p7);
      q7 = y.fma(v7, q7);
      FloatVector v8 = FloatVector.broadcast(S, a[ap + k * STEP + 8]);
      p8 = x.fma(v8, p8);
      q8 = y.fma(v8, q8);
      FloatVector v9 = FloatVector.broadcast(S, a[ap + k * STEP + 9]);
      p9 = x.fma(v9, p9);
      q9 = y.fma(v9, q9);
      FloatVector v10 = FloatVector.broadcast(S, a[ap + k * STEP + 10]);
      p10 = x.fma(v10, p10);
      q10 = y.fma(v10, q10);
      FloatVector v11 = FloatVector.broadcast(S, a[ap + k * STEP + 11]);
      p11 = x.fma(v11, p11);
      q11 = y.fma(v11, q11);
      FloatVector v12 = FloatVector.broadcast(S, a[ap + k * STEP + 12]);
      p12 = x.fma(v12, p12);
      q12 = y.fma(v12, q12);
      FloatVector v13 = FloatVector.broadcast(S, a[ap + k * STEP + 13]);
      p13 = x.fma(v13, p13);
      q13 = y.fma(v13, q13);
    }
    if (add) {
      p0 = p0.add(FloatVector.fromArray(S, t, tp));
      q0 = q0.add(FloatVector.fromArray(S, t, tp + LANES));
      p1 = p1.add(FloatVector.fromArray(S, t, tp + NR));
      q1 = q1.add(FloatVector.fromArray(S, t, tp + NR + LANES));
      p2 = p2.add(FloatVector.fromArray(S, t, tp + 2 * NR));
      q2 = q2.add(FloatVector.fromArray(S, t, tp + 2 * NR + LANES));
      p3 = p3.add(FloatVector.fromArray(S, t, tp + 3 * NR));
      q3 = q3.add(FloatVector.fromArray(S, t, tp + 3 * NR + LANES));
      p4 = p4.add(FloatVector.fromArray(S, t, tp + 4 * NR));
      q4 = q4.add(FloatVector.fromArray(S, t, tp + 4 * NR + LANES));
      p5 = p5.add(FloatVector.fromArray(S, t, tp + 5 * NR));
      q5 = q5.add(FloatVector.fromArray(S, t, tp + 5 * NR + LANES));
      p6 = p6.add(FloatVector.fromArray(S, t, tp + 6 * NR));
      q6 = q6.add(FloatVector.fromArray(S, t, tp + 6 * NR + LANES));
      p7 = p7.add(FloatVector.fromArray(S, t, tp + 7 * NR));
      q7 = q7.add(FloatVector.fromArray(S, t, tp + 7 * NR + LANES));
      p8 = p8.add(FloatVector.fromArray(S, t, tp + 8 * NR));
      q8 = q8.add(FloatVector.fromArray(S, t, tp + 8 * NR + LANES));
      p9 = p9.add(FloatVector.fromArray(S, t, tp + 9 * NR));
      q9 = q9.add(FloatVector.fromArray(S, t, tp + 9 * NR + LANES));
      p10 = p10.add(FloatVector.fromArray(S, t, tp + 10 * NR));
      q10 = q10.add(FloatVector.fromArray(S, t, tp + 10 * NR + LANES));
      p11 = p11.add(FloatVector.fromArray(S, t, tp + 11 * NR));
      q11 = q11.add(FloatVector.fromArray(S, t, tp + 11 * NR + LANES));
      p12 = p12.add(FloatVector.fromArray(S, t, tp + 12 * NR));
      q12 = q12.add(FloatVector.fromArray(S, t, tp + 12 * NR + LANES));
      p13 = p13.add(FloatVector.fromArray(S, t, tp + 13 * NR));
      q13 = q13.add(FloatVector.fromArray(S, t, tp + 13 * NR + LANES));
    }
    p0.intoArray(t, tp);
    q0.intoArray(t, tp + LANES);
    p1.intoArray(t, tp + NR);
    q1.intoArray(t, tp + NR + LANES);
    p2.intoArray(t, tp + 2 * NR);
    q2.intoArray(t, tp + 2 * NR + LANES);
    p3.intoArray(t, tp + 3 * NR);
    q3.intoArray(t, tp + 3 * NR + LANES);
    p4.intoArray(t, tp + 4 * NR);
    q4.intoArray(t, tp + 4 * NR + LANES);
    p5.intoArray(t, tp + 5 * NR);
    q5.intoArray(t, tp + 5 * NR + LANES);
    p6.intoArray(t, tp + 6 * NR);
    q6.intoArray(t, tp + 6 * NR + LANES);
    p7.intoArray(t, tp + 7 * NR);
    q7.intoArray(t, tp + 7 * NR + LANES);
    p8.intoArray(t, tp + 8 * NR);
    q8.intoArray(t, tp + 8 * NR + LANES);
    p9.intoArray(t, tp + 9 * NR);
    q9.intoArray(t, tp + 9 * NR + LANES);
    p10.intoArray(t, tp + 10 * NR);
    q10.intoArray(t, tp + 10 * NR + LANES);
    p11.intoArray(t, tp + 11 * NR);
    q11.intoArray(t, tp + 11 * NR + LANES);
    p12.intoArray(t, tp + 12 * NR);
    q12.intoArray(t, tp + 12 * NR + LANES);
    p13.intoArray(t, tp + 13 * NR);
    q13.intoArray(t, tp + 13 * NR + LANES);
  }

  /** Rests of 5 to 8 rows. */
  private static void rows8(
      float[] a, int ap, float[] b, int bp, int depth, float[] t, int tp, boolean add) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector q0 = p0;
    FloatVector p1 = FloatVector.zero(S);
    FloatVector q1 = p1;
    FloatVector p2 = FloatVector.zero(S);
    FloatVector q2 = p2;
    FloatVector p3 = FloatVector.zero(S);
    FloatVector q3 = p3;
    FloatVector p4 = FloatVector.zero(S);
    FloatVector q4 = p4;
    FloatVector p5 = FloatVector.zero(S);
    FloatVector q5 = p5;
    FloatVector p6 = FloatVector.zero(S);
    FloatVector q6 = p6;
    FloatVector p7 = FloatVector.zero(S);
    FloatVector q7 = p7;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(S, b, bp + k * NR);
      FloatVector y = FloatVector.fromArray(S, b, bp + k * NR + LANES);
      FloatVector v0 = FloatVector.broadcast(S, a[ap + k * STEP]);
      p0 = x.fma(v0, p0);
      q0 = y.fma(v0, q0);
      FloatVector v1 = FloatVector.broadcast(S, a[ap + k * STEP + 1]);
      p1 = x.fma(v1, p1);
      q1 = y.fma(v1, q1);
      FloatVector v2 = FloatVector.broadcast(S, a[ap + k * STEP + 2]);
      p2 = x.fma(v2, p2);
      q2 = y.fma(v2, q2);
      FloatVector v3 = FloatVector.broadcast(S, a[ap + k * STEP + 3]);
      p3 = x.fma(v3, p3);
      q3 = y.fma(v3, q3);
      FloatVector v4 = FloatVector.broadcast(S, a[ap + k * STEP + 4]);
      p4 = x.fma(v4, p4);
      q4 = y.fma(v4, q4);
      FloatVector v5 = FloatVector.broadcast(S, a[ap + k * STEP + 5]);
      p5 = x.fma(v5, p5);
      q5 = y.fma(v5, q5);
      FloatVector v6 = FloatVector.broadcast(S, a[ap + k * STEP + 6]);
      p6 = x.fma(v6, p6);
      q6 = y.fma(v6, q6);
      FloatVector v7 = FloatVector.broadcast(S, a[ap + k * STEP + 7]);
      p7 = x.fma(v7, p7);
      q7 = y.fma(v7, q7);
    }
    if (add) {
      p0 = p0.add(FloatVector.fromArray(S, t, tp));
      q0 = q0.add(FloatVector.fromArray(S, t, tp + LANES));
      p1 = p1.add(FloatVector.fromArray(S, t, tp + NR));
      q1 = q1.add(FloatVector.fromArray(S, t, tp + NR + LANES));
      p2 = p2.add(FloatVector.fromArray(S, t, tp + 2 * NR));
      q2 = q2.add(FloatVector.fromArray(S, t, tp + 2 * NR + LANES));
      p3 = p3.add(FloatVector.fromArray(S, t, tp + 3 * NR));
      q3 = q3.add(FloatVector.fromArray(S, t, tp + 3 * NR + LANES));
      p4 = p4.add(FloatVector.fromArray(S, t, tp + 4 * NR));
      q4 = q4.add(FloatVector.fromArray(S, t, tp + 4 * NR + LANES));
      p5 = p5.add(FloatVector.fromArray(S, t, tp + 5 * NR));
      q5 = q5.add(FloatVector.fromArray(S, t, tp + 5 * NR + LANES));
      p6 = p6.add(FloatVector.fromArray(S, t, tp + 6 * NR));
      q6 = q6.add(FloatVector.fromArray(S, t, tp + 6 * NR + LANES));
      p7 = p7.add(FloatVector.fromArray(S, t, tp + 7 * NR));
      q7 = q7.add(FloatVector.fromArray(S, t, tp + 7 * NR + LANES));
    }
    p0.intoArray(t, tp);
    q0.intoArray(t, tp + LANES);
    p1.intoArray(t, tp + NR);
    q1.intoArray(t, tp + NR + LANES);
    p2.intoArray(t, tp + 2 * NR);
    q2.intoArray(t, tp + 2 * NR + LANES);
    p3.intoArray(t, tp + 3 * NR);
    q3.intoArray(t, tp + 3 * NR + LANES);
    p4.intoArray(t, tp + 4 * NR);
    q4.intoArray(t, tp + 4 * NR + LANES);
    p5.intoArray(t, tp + 5 * NR);
    q5.intoArray(t, tp + 5 * NR + LANES);
    p6.intoArray(t, tp + 6 * NR);
    q6.intoArray(t, tp + 6 * NR + LANES);
    p7.intoArray(t, tp + 7 * NR);
    q7.intoArray(t, tp + 7 * NR + LANES);
  }

  /** The kernel for 16 registers. */
  private static void rows6(
      float[] a, int ap, float[] b, int bp, int depth, float[] t, int tp, boolean add) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector q0 = p0;
    FloatVector p1 = FloatVector.zero(S);
    FloatVector q1 = p1;
    FloatVector p2 = FloatVector.zero(S);
    FloatVector q2 = p2;
    FloatVector p3 = FloatVector.zero(S);
    FloatVector q3 = p3;
    FloatVector p4 = FloatVector.zero(S);
    FloatVector q4 = p4;
    FloatVector p5 = FloatVector.zero(S);
    FloatVector q5 = p5;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(S, b, bp + k * NR);
      FloatVector y = FloatVector.fromArray(S, b, bp + k * NR + LANES);
      FloatVector v0 = FloatVector.broadcast(S, a[ap + k * STEP]);
      p0 = x.fma(v0, p0);
      q0 = y.fma(v0, q0);
      FloatVector v1 = FloatVector.broadcast(S, a[ap + k * STEP + 1]);
      p1 = x.fma(v1, p1);
      q1 = y.fma(v1, q1);
      FloatVector v2 = FloatVector.broadcast(S, a[ap + k * STEP + 2]);
      p2 = x.fma(v2, p2);
      q2 = y.fma(v2, q2);
      FloatVector v3 = FloatVector.broadcast(S, a[ap + k * STEP + 3]);
      p3 = x.fma(v3, p3);
      q3 = y.fma(v3, q3);
      FloatVector v4 = FloatVector.broadcast(S, a[ap + k * STEP + 4]);
      p4 = x.fma(v4, p4);
      q4 = y.fma(v4, q4);
      FloatVector v5 = FloatVector.broadcast(S, a[ap + k * STEP + 5]);
      p5 = x.fma(v5, p5);
      q5 = y.fma(v5, q5);
    }
    if (add) {
      p0 = p0.add(FloatVector.fromArray(S, t, tp));
      q0 = q0.add(FloatVector.fromArray(S, t, tp + LANES));
      p1 = p1.add(FloatVector.fromArray(S, t, tp + NR));
      q1 = q1.add(FloatVector.fromArray(S, t, tp + NR + LANES));
      p2 = p2.add(FloatVector.fromArray(S, t, tp + 2 * NR));
      q2 = q2.add(FloatVector.fromArray(S, t, tp + 2 * NR + LANES));
      p3 = p3.add(FloatVector.fromArray(S, t, tp + 3 * NR));
      q3 = q3.add(FloatVector.fromArray(S, t, tp + 3 * NR + LANES));
      p4 = p4.add(FloatVector.fromArray(S, t, tp + 4 * NR));
      q4 = q4.add(FloatVector.fromArray(S, t, tp + 4 * NR + LANES));
      p5 = p5.add(FloatVector.fromArray(S, t, tp + 5 * NR));
      q5 = q5.add(FloatVector.fromArray(S, t, tp + 5 * NR + LANES));
    }
    p0.intoArray(t, tp);
    q0.intoArray(t, tp + LANES);
    p1.intoArray(t, tp + NR);
    q1.intoArray(t, tp + NR + LANES);
    p2.intoArray(t, tp + 2 * NR);
    q2.intoArray(t, tp + 2 * NR + LANES);
    p3.intoArray(t, tp + 3 * NR);
    q3.intoArray(t, tp + 3 * NR + LANES);
    p4.intoArray(t, tp + 4 * NR);
    q4.intoArray(t, tp + 4 * NR + LANES);
    p5.intoArray(t, tp + 5 * NR);
    q5.intoArray(t, tp + 5 * NR + LANES);
  }

  /** Rests of 1 to 4 rows. */
  private static void rows4(
      float[] a, int ap, float[] b, int bp, int depth, float[] t, int tp, boolean add) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector q0 = p0;
    FloatVector p1 = FloatVector.zero(S);
    FloatVector q1 = p1;
    FloatVector p2 = FloatVector.zero(S);
    FloatVector q2 = p2;
    FloatVector p3 = FloatVector.zero(S);
    FloatVector q3 = p3;
    for (int k = 0; k < depth; k++) {
      FloatVector x = FloatVector.fromArray(S, b, bp + k * NR);
      FloatVector y = FloatVector.fromArray(S, b, bp + k * NR + LANES);
      FloatVector v0 = FloatVector.broadcast(S, a[ap + k * STEP]);
      p0 = x.fma(v0, p0);
      q0 = y.fma(v0, q0);
      FloatVector v1 = FloatVector.broadcast(S, a[ap + k * STEP + 1]);
      p1 = x.fma(v1, p1);
      q1 = y.fma(v1, q1);
      FloatVector v2 = FloatVector.broadcast(S, a[ap + k * STEP + 2]);
      p2 = x.fma(v2, p2);
      q2 = y.fma(v2, q2);
      FloatVector v3 = FloatVector.broadcast(S, a[ap + k * STEP + 3]);
      p3 = x.fma(v3, p3);
      q3 = y.fma(v3, q3);
    }
    if (add) {
      p0 = p0.add(FloatVector.fromArray(S, t, tp));
      q0 = q0.add(FloatVector.fromArray(S, t, tp + LANES));
      p1 = p1.add(FloatVector.fromArray(S, t, tp + NR));
      q1 = q1.add(FloatVector.fromArray(S, t, tp + NR + LANES));
      p2 = p2.add(FloatVector.fromArray(S, t, tp + 2 * NR));
      q2 = q2.add(FloatVector.fromArray(S, t, tp + 2 * NR + LANES));
      p3 = p3.add(FloatVector.fromArray(S, t, tp + 3 * NR));
      q3 = q3.add(FloatVector.fromArray(S, t, tp + 3 * NR + LANES));
    }
    p0.intoArray(t, tp);
    q0.intoArray(t, tp + LANES);
    p1.intoArray(t, tp + NR);
    q1.intoArray(t, tp + NR + LANES);
    p2.intoArray(t, tp + 2 * NR);
    q2.intoArray(t, tp + 2 * NR + LANES);
    p3.intoArray(t, tp + 3 * NR);
    q3.intoArray(t, tp + 3 * NR + LANES);
  }
}
