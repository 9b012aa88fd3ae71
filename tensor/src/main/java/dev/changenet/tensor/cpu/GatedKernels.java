package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * SiLU and the gated activation made of it, on ranges of arrays. Derivatives take 1 − sigmoid(x) as
 * e^−x·sigmoid(x), which doesn't cancel.
 */
final class GatedKernels {
  private static final FloatVector ONE = FloatVector.broadcast(SPECIES, 1f);

  private GatedKernels() {}

  /** out[i] = x[i]·sigmoid(x[i]) for from ≤ i &lt; to; out may be x. */
  static void silu(float[] x, float[] out, int from, int to) {
    int i = from;
    for (; i <= to - LANES; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, i);
      v.mul(VectorMath.sigmoid(v)).intoArray(out, i);
    }
    if (i < to) {
      siluTail(x, out, i, to);
    }
  }

  // Tails have methods of their own so that the loop above stays small enough to be inlined whole.
  private static void siluTail(float[] x, float[] out, int i, int to) {
    VectorMask<Float> mask = VectorMath.firstLanes(to - i);
    FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
    v.mul(VectorMath.sigmoid(v)).intoArray(out, i, mask);
  }

  /** gx[i] = g[i]·s·(1 + x[i]·(1 − s)), s = sigmoid(x[i]); gx may be g. */
  static void siluBackward(float[] x, float[] g, float[] gx, int from, int to) {
    for (int i = from; i < to; i += LANES) {
      VectorMask<Float> mask = VectorMath.firstLanes(to - i);
      FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
      FloatVector e = VectorMath.exp(v.neg());
      FloatVector s = ONE.div(e.add(ONE));
      FloatVector d = v.mul(e.mul(s)).fma(s, s);
      FloatVector.fromArray(SPECIES, g, i, mask).mul(d).intoArray(gx, i, mask);
    }
  }

  /** out[at …] = silu(x[gate …])·x[value …] for n elements. */
  static void swiglu(float[] x, int gate, int value, float[] out, int at, int n) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, gate + i);
      v.mul(VectorMath.sigmoid(v))
          .mul(FloatVector.fromArray(SPECIES, x, value + i))
          .intoArray(out, at + i);
    }
    if (i < n) {
      swigluTail(x, gate + i, value + i, out, at + i, n - i);
    }
  }

  private static void swigluTail(float[] x, int gate, int value, float[] out, int at, int n) {
    VectorMask<Float> mask = VectorMath.firstLanes(n);
    FloatVector v = FloatVector.fromArray(SPECIES, x, gate, mask);
    v.mul(VectorMath.sigmoid(v))
        .mul(FloatVector.fromArray(SPECIES, x, value, mask))
        .intoArray(out, at, mask);
  }

  /** Gradients of {@link #swiglu} at the same indices of gx. */
  static void swigluBackward(float[] x, int gate, int value, float[] g, int at, float[] gx, int n) {
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, gate + i);
      FloatVector e = VectorMath.exp(v.neg());
      FloatVector s = ONE.div(e.add(ONE));
      FloatVector silu = v.mul(s);
      FloatVector up = FloatVector.fromArray(SPECIES, g, at + i);
      FloatVector.fromArray(SPECIES, x, value + i)
          .mul(up)
          .mul(v.mul(e.mul(s)).fma(s, s))
          .intoArray(gx, gate + i);
      silu.mul(up).intoArray(gx, value + i);
    }
    if (i < n) {
      swigluBackwardTail(x, gate + i, value + i, g, at + i, gx, n - i);
    }
  }

  private static void swigluBackwardTail(
      float[] x, int gate, int value, float[] g, int at, float[] gx, int n) {
    VectorMask<Float> mask = VectorMath.firstLanes(n);
    FloatVector v = FloatVector.fromArray(SPECIES, x, gate, mask);
    FloatVector e = VectorMath.exp(v.neg());
    FloatVector s = ONE.div(e.add(ONE));
    FloatVector silu = v.mul(s);
    FloatVector up = FloatVector.fromArray(SPECIES, g, at, mask);
    FloatVector.fromArray(SPECIES, x, value, mask)
        .mul(up)
        .mul(v.mul(e.mul(s)).fma(s, s))
        .intoArray(gx, gate, mask);
    silu.mul(up).intoArray(gx, value, mask);
  }
}
