package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Reductions and maps of one row of {@code n} floats that fits into the first-level cache. */
final class RowKernels {
  private RowKernels() {}

  /** Σ x. */
  static float sum(float[] x, int at, int n) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i <= n - 4 * LANES; i += 4 * LANES) {
      s0 = s0.add(FloatVector.fromArray(SPECIES, x, at + i));
      s1 = s1.add(FloatVector.fromArray(SPECIES, x, at + i + LANES));
      s2 = s2.add(FloatVector.fromArray(SPECIES, x, at + i + 2 * LANES));
      s3 = s3.add(FloatVector.fromArray(SPECIES, x, at + i + 3 * LANES));
    }
    for (; i <= n - LANES; i += LANES) {
      s0 = s0.add(FloatVector.fromArray(SPECIES, x, at + i));
    }
    if (i < n) {
      s1 = s1.add(FloatVector.fromArray(SPECIES, x, at + i, VectorMath.firstLanes(n - i)));
    }
    return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
  }

  /** Σ (x − mean)². */
  static float squaredDeviations(float[] x, int at, int n, float mean) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    FloatVector m = FloatVector.broadcast(SPECIES, mean);
    int i = 0;
    for (; i <= n - 4 * LANES; i += 4 * LANES) {
      FloatVector d0 = FloatVector.fromArray(SPECIES, x, at + i).sub(m);
      FloatVector d1 = FloatVector.fromArray(SPECIES, x, at + i + LANES).sub(m);
      FloatVector d2 = FloatVector.fromArray(SPECIES, x, at + i + 2 * LANES).sub(m);
      FloatVector d3 = FloatVector.fromArray(SPECIES, x, at + i + 3 * LANES).sub(m);
      s0 = d0.fma(d0, s0);
      s1 = d1.fma(d1, s1);
      s2 = d2.fma(d2, s2);
      s3 = d3.fma(d3, s3);
    }
    for (; i <= n - LANES; i += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, x, at + i).sub(m);
      s0 = d.fma(d, s0);
    }
    if (i < n) {
      VectorMask<Float> mask = VectorMath.firstLanes(n - i);
      FloatVector d = FloatVector.fromArray(SPECIES, x, at + i, mask).sub(m, mask);
      s1 = d.fma(d, s1);
    }
    return VectorMath.sum(s0.add(s1).add(s2.add(s3)));
  }

  /** Σ a·b. */
  static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    int i = 0;
    for (; i <= n - 2 * LANES; i += 2 * LANES) {
      s0 =
          FloatVector.fromArray(SPECIES, a, aAt + i)
              .fma(FloatVector.fromArray(SPECIES, b, bAt + i), s0);
      s1 =
          FloatVector.fromArray(SPECIES, a, aAt + i + LANES)
              .fma(FloatVector.fromArray(SPECIES, b, bAt + i + LANES), s1);
    }
    for (; i <= n - LANES; i += LANES) {
      s0 =
          FloatVector.fromArray(SPECIES, a, aAt + i)
              .fma(FloatVector.fromArray(SPECIES, b, bAt + i), s0);
    }
    if (i < n) {
      VectorMask<Float> mask = VectorMath.firstLanes(n - i);
      FloatVector u = FloatVector.fromArray(SPECIES, a, aAt + i, mask);
      s1 = u.fma(FloatVector.fromArray(SPECIES, b, bAt + i, mask), s1);
    }
    return VectorMath.sum(s0.add(s1));
  }

  /** Largest element. */
  static float max(float[] x, int at, int n) {
    FloatVector m0 = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    FloatVector m1 = m0;
    int i = 0;
    for (; i <= n - 2 * LANES; i += 2 * LANES) {
      m0 = m0.max(FloatVector.fromArray(SPECIES, x, at + i));
      m1 = m1.max(FloatVector.fromArray(SPECIES, x, at + i + LANES));
    }
    for (; i <= n - LANES; i += LANES) {
      m0 = m0.max(FloatVector.fromArray(SPECIES, x, at + i));
    }
    if (i < n) {
      VectorMask<Float> mask = VectorMath.firstLanes(n - i);
      m1 = m1.lanewise(VectorOperators.MAX, FloatVector.fromArray(SPECIES, x, at + i, mask), mask);
    }
    // The maximum is exact in any order.
    return m0.max(m1).reduceLanes(VectorOperators.MAX);
  }

  /** out = e^(x − shift); returns its sum. */
  static float exp(float[] x, int at, int n, float shift, float[] out, int outAt) {
    FloatVector sum = FloatVector.zero(SPECIES);
    FloatVector shifts = FloatVector.broadcast(SPECIES, shift);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, x, at + i).sub(shifts));
      e.intoArray(out, outAt + i);
      sum = sum.add(e);
    }
    float total = VectorMath.sum(sum);
    return i < n ? total + expTail(x, at + i, n - i, shift, out, outAt + i) : total;
  }

  // A method of its own so that the loop above stays small enough to be inlined whole.
  private static float expTail(float[] x, int at, int n, float shift, float[] out, int outAt) {
    VectorMask<Float> mask = VectorMath.firstLanes(n);
    FloatVector e = VectorMath.exp(FloatVector.fromArray(SPECIES, x, at, mask).sub(shift));
    e.intoArray(out, outAt, mask);
    return VectorMath.sum(FloatVector.zero(SPECIES).blend(e, mask));
  }

  /** out = factor·x. */
  static void scale(float[] x, int at, int n, float factor, float[] out, int outAt) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, x, at + i).mul(factor).intoArray(out, outAt + i);
    }
    for (; i < n; i++) {
      out[outAt + i] = factor * x[at + i];
    }
  }

  /** out = y·(g − shift): the last step of a softmax gradient. */
  static void softmaxGradient(
      float[] y, int yAt, float[] g, int gAt, int n, float shift, float[] out, int outAt) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, g, gAt + i)
          .sub(shift)
          .mul(FloatVector.fromArray(SPECIES, y, yAt + i))
          .intoArray(out, outAt + i);
    }
    for (; i < n; i++) {
      out[outAt + i] = y[yAt + i] * (g[gAt + i] - shift);
    }
  }
}
