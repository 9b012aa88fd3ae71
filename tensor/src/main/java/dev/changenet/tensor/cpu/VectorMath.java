package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Exponential, GELU and their kin on vectors of floats, and the sum of a vector's lanes.
 *
 * <p>Polynomials are weighted minimax fits. NaN goes through every function. Constants are vectors
 * because a broadcast in place costs the compiler as much of its inlining budget as the arithmetic,
 * and a loop that exceeds the budget allocates its vectors.
 */
final class VectorMath {
  /** The widest float vectors that this machine computes on. */
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  static final int LANES = SPECIES.length();

  private static final VectorShuffle<Float> SWAP_8 = VectorShuffle.fromOp(SPECIES, i -> i ^ 8);
  private static final VectorShuffle<Float> SWAP_4 = VectorShuffle.fromOp(SPECIES, i -> i ^ 4);
  private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(SPECIES, i -> i ^ 2);
  private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(SPECIES, i -> i ^ 1);

  private static final FloatVector ZERO = all(0f);
  private static final FloatVector HALF = all(0.5f);
  private static final FloatVector ONE = all(1f);
  private static final FloatVector MINUS_ONE = all(-1f);

  private static final FloatVector EXP_LOW = all(-87.33f);
  private static final FloatVector EXP_HIGH = all(88.37f);
  private static final FloatVector LOG2E = all(1.44269504f);
  // Adding 1.5·2^23 rounds to an integer and leaves it in the low bits of the float.
  private static final FloatVector ROUNDER = all(12582912f);
  private static final FloatVector MINUS_LN2_HIGH = all(-0.693359375f);
  private static final FloatVector MINUS_LN2_LOW = all(2.12194440e-4f);
  private static final FloatVector EXP2 = all(5.0000001201e-1f);
  private static final FloatVector EXP3 = all(1.6666665459e-1f);
  private static final FloatVector EXP4 = all(4.1665795894e-2f);
  private static final FloatVector EXP5 = all(8.3334519073e-3f);
  private static final FloatVector EXP6 = all(1.3981999507e-3f);
  private static final FloatVector EXP7 = all(1.9875691500e-4f);

  // Beyond ±5.5 the normal distribution function differs from 0 and 1 by less than 2e-8.
  private static final FloatVector NORMAL_HIGH = all(5.5f);
  private static final FloatVector NORMAL_LOW = all(-5.5f);
  private static final FloatVector NORMAL_SCALE = all(2 / (5.5f * 5.5f));

  // (Φ(x) − 0.5)/x in powers of u = 2x²/5.5² − 1; Φ within 1e-7.
  private static final FloatVector PHI0 = all(1.2855193e-1f);
  private static final FloatVector PHI1 = all(-6.4172335e-2f);
  private static final FloatVector PHI2 = all(4.7737654e-2f);
  private static final FloatVector PHI3 = all(-3.8792845e-2f);
  private static final FloatVector PHI4 = all(3.206969e-2f);
  private static final FloatVector PHI5 = all(-2.6047355e-2f);
  private static final FloatVector PHI6 = all(2.0368662e-2f);
  private static final FloatVector PHI7 = all(-1.5004809e-2f);
  private static final FloatVector PHI8 = all(1.0213974e-2f);
  private static final FloatVector PHI9 = all(-6.802e-3f);
  private static final FloatVector PHI10 = all(4.6455204e-3f);
  private static final FloatVector PHI11 = all(-2.4477732e-3f);
  private static final FloatVector PHI12 = all(7.001635e-4f);
  private static final FloatVector PHI13 = all(-5.055507e-4f);
  private static final FloatVector PHI14 = all(6.3807616e-4f);
  private static final FloatVector PHI15 = all(-2.4391813e-4f);

  // (gelu'(x) − 0.5)/x in powers of the same u; gelu' within 2.5e-7.
  private static final FloatVector GRAD0 = all(1.287592e-1f);
  private static final FloatVector GRAD1 = all(-6.57397e-2f);
  private static final FloatVector GRAD2 = all(5.3665128e-2f);
  private static final FloatVector GRAD3 = all(-5.374453e-2f);
  private static final FloatVector GRAD4 = all(6.0317334e-2f);
  private static final FloatVector GRAD5 = all(-6.863174e-2f);
  private static final FloatVector GRAD6 = all(7.421827e-2f);
  private static final FloatVector GRAD7 = all(-7.4105114e-2f);
  private static final FloatVector GRAD8 = all(6.534534e-2f);
  private static final FloatVector GRAD9 = all(-4.9911615e-2f);
  private static final FloatVector GRAD10 = all(3.891645e-2f);
  private static final FloatVector GRAD11 = all(-3.2343563e-2f);
  private static final FloatVector GRAD12 = all(1.7457258e-2f);
  private static final FloatVector GRAD13 = all(-3.1671308e-3f);
  private static final FloatVector GRAD14 = all(3.4234624e-3f);
  private static final FloatVector GRAD15 = all(-5.8442475e-3f);
  private static final FloatVector GRAD16 = all(2.294386e-3f);

  // log(1 + e)/e on [0, 1].
  private static final FloatVector LOG0 = all(1f);
  private static final FloatVector LOG1 = all(-4.9999553e-1f);
  private static final FloatVector LOG2 = all(3.3320343e-1f);
  private static final FloatVector LOG3 = all(-2.4852945e-1f);
  private static final FloatVector LOG4 = all(1.9145116e-1f);
  private static final FloatVector LOG5 = all(-1.374662e-1f);
  private static final FloatVector LOG6 = all(7.921072e-2f);
  private static final FloatVector LOG7 = all(-3.0110953e-2f);
  private static final FloatVector LOG8 = all(5.3840587e-3f);

  private VectorMath() {}

  private static FloatVector all(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /** The first {@code n} lanes. */
  static VectorMask<Float> firstLanes(int n) {
    return SPECIES.indexInRange(0, n);
  }

  /** Returns {@code n} rounded up to whole vectors. */
  static int roundUp(int n) {
    return (n + LANES - 1) / LANES * LANES;
  }

  /** e^x, to about 1 ulp; the argument is limited to [−87.33, 88.37], so the result is normal. */
  static FloatVector exp(FloatVector argument) {
    FloatVector x = argument.blend(EXP_LOW, argument.compare(VectorOperators.LT, EXP_LOW));
    x = x.blend(EXP_HIGH, x.compare(VectorOperators.GT, EXP_HIGH));
    FloatVector z = x.fma(LOG2E, ROUNDER);
    FloatVector k = z.sub(ROUNDER);
    FloatVector r = k.fma(MINUS_LN2_HIGH, x);
    r = k.fma(MINUS_LN2_LOW, r);
    FloatVector p = expPolynomial(r);
    return p.reinterpretAsInts()
        .add(z.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
        .reinterpretAsFloats();
  }

  private static FloatVector expPolynomial(FloatVector r) {
    FloatVector p = EXP7.fma(r, EXP6);
    p = p.fma(r, EXP5);
    p = p.fma(r, EXP4);
    p = p.fma(r, EXP3);
    p = p.fma(r, EXP2);
    return p.fma(r.mul(r), r.add(ONE));
  }

  /** 1/(1 + e^−x). */
  static FloatVector sigmoid(FloatVector x) {
    return ONE.div(exp(x.neg()).add(ONE));
  }

  /** log(1 + e) for e in [0, 1], to 2e-7 relative. */
  static FloatVector log1p(FloatVector e) {
    FloatVector p = LOG8.fma(e, LOG7);
    p = p.fma(e, LOG6);
    p = p.fma(e, LOG5);
    p = p.fma(e, LOG4);
    p = p.fma(e, LOG3);
    p = p.fma(e, LOG2);
    p = p.fma(e, LOG1);
    p = p.fma(e, LOG0);
    return p.mul(e);
  }

  /** x·Φ(x), with Φ the normal distribution function: GELU in its exact form. */
  static FloatVector gelu(FloatVector x) {
    return x.mul(step(x, phiPolynomial(normalArgument(x))));
  }

  /** Derivative of {@link #gelu}: Φ(x) + x·φ(x). */
  static FloatVector geluDerivative(FloatVector x) {
    return step(x, gradPolynomial(normalArgument(x)));
  }

  private static FloatVector normalArgument(FloatVector x) {
    return x.mul(x).fma(NORMAL_SCALE, MINUS_ONE);
  }

  /** 0.5 + x·p inside ±5.5, and 0 or 1 outside. */
  private static FloatVector step(FloatVector x, FloatVector p) {
    FloatVector y = p.fma(x, HALF);
    y = y.blend(ONE, x.compare(VectorOperators.GT, NORMAL_HIGH));
    return y.blend(ZERO, x.compare(VectorOperators.LT, NORMAL_LOW));
  }

  private static FloatVector phiPolynomial(FloatVector u) {
    FloatVector p = PHI15.fma(u, PHI14);
    p = p.fma(u, PHI13);
    p = p.fma(u, PHI12);
    p = p.fma(u, PHI11);
    p = p.fma(u, PHI10);
    p = p.fma(u, PHI9);
    p = p.fma(u, PHI8);
    p = p.fma(u, PHI7);
    p = p.fma(u, PHI6);
    p = p.fma(u, PHI5);
    p = p.fma(u, PHI4);
    p = p.fma(u, PHI3);
    p = p.fma(u, PHI2);
    p = p.fma(u, PHI1);
    return p.fma(u, PHI0);
  }

  private static FloatVector gradPolynomial(FloatVector u) {
    FloatVector p = GRAD16.fma(u, GRAD15);
    p = p.fma(u, GRAD14);
    p = p.fma(u, GRAD13);
    p = p.fma(u, GRAD12);
    p = p.fma(u, GRAD11);
    p = p.fma(u, GRAD10);
    p = p.fma(u, GRAD9);
    p = p.fma(u, GRAD8);
    p = p.fma(u, GRAD7);
    p = p.fma(u, GRAD6);
    p = p.fma(u, GRAD5);
    p = p.fma(u, GRAD4);
    p = p.fma(u, GRAD3);
    p = p.fma(u, GRAD2);
    p = p.fma(u, GRAD1);
    return p.fma(u, GRAD0);
  }

  /**
   * Sum of all lanes in a fixed order. {@code reduceLanes} leaves the order open, and interpreted
   * and compiled code may then differ in the last bit.
   */
  static float sum(FloatVector v) {
    FloatVector s = v;
    if (LANES > 8) {
      s = s.add(s.rearrange(SWAP_8));
    }
    if (LANES > 4) {
      s = s.add(s.rearrange(SWAP_4));
    }
    if (LANES > 2) {
      s = s.add(s.rearrange(SWAP_2));
    }
    s = s.add(s.rearrange(SWAP_1));
    return s.lane(0);
  }
}
