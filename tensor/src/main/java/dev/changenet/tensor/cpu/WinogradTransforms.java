package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The one-dimensional transforms of Winograd's algorithms F(4, 3) and F(5, 2): 6 inputs, 3 weights
 * and 4 outputs, or 2 and 5, 6 products. Both have the same input transform.
 *
 * <p>Interpolation points are 0, ±5/8, ±3/2 and infinity. With the usual 0, ±1, ±2 the rounding
 * error is twice as large and its peaks four times; these fractions and their powers are exact in
 * float32.
 *
 * <p>Every method runs over {@code count} contiguous floats, a multiple of the vector length;
 * number i of its inputs is {@code sourceStep}·i away, number i of its outputs {@code step}·i. Two
 * passes make a two-dimensional transform.
 *
 * <p>Source: A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015;
 * matrices by Lagrange interpolation.
 */
final class WinogradTransforms {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = S.length();

  private static final double A = 0.625;
  private static final double B = 1.5;
  private static final double AA = A * A;
  private static final double BB = B * B;

  private static final float A1 = (float) A;
  private static final float A2 = (float) AA;
  private static final float A3 = (float) (AA * A);
  private static final float A4 = (float) (AA * AA);
  private static final float B1 = (float) B;
  private static final float B2 = (float) BB;
  private static final float B3 = (float) (BB * B);
  private static final float B4 = (float) (BB * BB);
  private static final float PRODUCT = (float) (AA * BB);
  private static final float SUM = (float) (AA + BB);

  /** Weight factors 1 / Πⱼ (pᵢ − pⱼ) of the points 0, ±a and ±b. */
  private static final float W0 = (float) (1 / (AA * BB));

  private static final float WA0 = (float) (1 / (2 * AA * (AA - BB)));
  private static final float WA1 = (float) (A / (2 * AA * (AA - BB)));
  private static final float WA2 = (float) (AA / (2 * AA * (AA - BB)));
  private static final float WB0 = (float) (1 / (2 * BB * (BB - AA)));
  private static final float WB1 = (float) (B / (2 * BB * (BB - AA)));
  private static final float WB2 = (float) (BB / (2 * BB * (BB - AA)));

  private WinogradTransforms() {}

  /** Six inputs to the six points. */
  private static void input(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector d1 = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector d2 = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector d3 = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      FloatVector d4 = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      FloatVector.fromArray(S, source, s).mul(PRODUCT).add(d4).sub(d2.mul(SUM)).intoArray(to, t);
      FloatVector even = d4.sub(d2.mul(B2));
      FloatVector odd = d3.sub(d1.mul(B2)).mul(A1);
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = d4.sub(d2.mul(A2));
      odd = d3.sub(d1.mul(A2)).mul(B1);
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      FloatVector.fromArray(S, source, s + 5 * sourceStep)
          .add(d1.mul(PRODUCT))
          .sub(d3.mul(SUM))
          .intoArray(to, t + 5 * step);
    }
  }

  /** Three weights to the six points. */
  private static void weight3(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector g0 = FloatVector.fromArray(S, source, s);
      FloatVector g1 = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector g2 = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      g0.mul(W0).intoArray(to, t);
      FloatVector even = g0.mul(WA0).add(g2.mul(WA2));
      FloatVector odd = g1.mul(WA1);
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = g0.mul(WB0).add(g2.mul(WB2));
      odd = g1.mul(WB1);
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      g2.intoArray(to, t + 5 * step);
    }
  }

  /** Six products to the four outputs. */
  private static void output4(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector q = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      q = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      FloatVector.fromArray(S, source, s).add(sumA).add(sumB).intoArray(to, t);
      difA.mul(A1).add(difB.mul(B1)).intoArray(to, t + step);
      sumA.mul(A2).add(sumB.mul(B2)).intoArray(to, t + 2 * step);
      difA.mul(A3)
          .add(difB.mul(B3))
          .add(FloatVector.fromArray(S, source, s + 5 * sourceStep))
          .intoArray(to, t + 3 * step);
    }
  }

  /** Four gradients of outputs to the six points: the transpose of {@link #output4}. */
  private static void outputGradient4(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector y0 = FloatVector.fromArray(S, source, s);
      FloatVector y1 = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector y2 = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector y3 = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      y0.intoArray(to, t);
      FloatVector even = y0.add(y2.mul(A2));
      FloatVector odd = y1.mul(A1).add(y3.mul(A3));
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = y0.add(y2.mul(B2));
      odd = y1.mul(B1).add(y3.mul(B3));
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      y3.intoArray(to, t + 5 * step);
    }
  }

  /** Gradients of six points to three of weights: the transpose of {@link #weight3}. */
  private static void weightGradient3(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector q = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      q = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      FloatVector.fromArray(S, source, s)
          .mul(W0)
          .add(sumA.mul(WA0))
          .add(sumB.mul(WB0))
          .intoArray(to, t);
      difA.mul(WA1).add(difB.mul(WB1)).intoArray(to, t + step);
      sumA.mul(WA2)
          .add(sumB.mul(WB2))
          .add(FloatVector.fromArray(S, source, s + 5 * sourceStep))
          .intoArray(to, t + 2 * step);
    }
  }

  /** Two weights to the six points. */
  private static void weight2(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector g0 = FloatVector.fromArray(S, source, s);
      FloatVector g1 = FloatVector.fromArray(S, source, s + sourceStep);
      g0.mul(W0).intoArray(to, t);
      FloatVector even = g0.mul(WA0);
      FloatVector odd = g1.mul(WA1);
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = g0.mul(WB0);
      odd = g1.mul(WB1);
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      g1.intoArray(to, t + 5 * step);
    }
  }

  /** Six products to five outputs. */
  private static void output5(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector q = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      q = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      FloatVector.fromArray(S, source, s).add(sumA).add(sumB).intoArray(to, t);
      difA.mul(A1).add(difB.mul(B1)).intoArray(to, t + step);
      sumA.mul(A2).add(sumB.mul(B2)).intoArray(to, t + 2 * step);
      difA.mul(A3).add(difB.mul(B3)).intoArray(to, t + 3 * step);
      sumA.mul(A4)
          .add(sumB.mul(B4))
          .add(FloatVector.fromArray(S, source, s + 5 * sourceStep))
          .intoArray(to, t + 4 * step);
    }
  }

  /** Five gradients of outputs to the six points: the transpose of {@link #output5}. */
  private static void outputGradient5(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector y0 = FloatVector.fromArray(S, source, s);
      FloatVector y1 = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector y2 = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector y3 = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      FloatVector y4 = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      y0.intoArray(to, t);
      FloatVector even = y0.add(y2.mul(A2)).add(y4.mul(A4));
      FloatVector odd = y1.mul(A1).add(y3.mul(A3));
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = y0.add(y2.mul(B2)).add(y4.mul(B4));
      odd = y1.mul(B1).add(y3.mul(B3));
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      y4.intoArray(to, t + 5 * step);
    }
  }

  /** Gradients of six points to two of weights: the transpose of {@link #weight2}. */
  private static void weightGradient2(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = FloatVector.fromArray(S, source, s + sourceStep);
      FloatVector q = FloatVector.fromArray(S, source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = FloatVector.fromArray(S, source, s + 3 * sourceStep);
      q = FloatVector.fromArray(S, source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      FloatVector.fromArray(S, source, s)
          .mul(W0)
          .add(sumA.mul(WA0))
          .add(sumB.mul(WB0))
          .intoArray(to, t);
      difA.mul(WA1)
          .add(difB.mul(WB1))
          .add(FloatVector.fromArray(S, source, s + 5 * sourceStep))
          .intoArray(to, t + step);
    }
  }

  /** {@code taps} weights, two or three, to the six points. */
  static void weight(
      int taps, float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    if (taps == 3) {
      weight3(source, sp, sourceStep, to, tp, step, count);
    } else {
      weight2(source, sp, sourceStep, to, tp, step, count);
    }
  }

  /** Six products to {@code out} outputs, four or five. */
  static void output(
      int out, float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    if (out == 4) {
      output4(source, sp, sourceStep, to, tp, step, count);
    } else {
      output5(source, sp, sourceStep, to, tp, step, count);
    }
  }

  /** Six inputs ({@code kind} 0) or 4 or 5 gradients of outputs (kind 4, 5) to the six points. */
  static void toPoints(
      int kind, float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    switch (kind) {
      case 0 -> input(source, sp, sourceStep, to, tp, step, count);
      case 4 -> outputGradient4(source, sp, sourceStep, to, tp, step, count);
      default -> outputGradient5(source, sp, sourceStep, to, tp, step, count);
    }
  }

  /** Gradients of six points to those of {@code taps} weights, two or three. */
  static void weightGradient(
      int taps, float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    if (taps == 3) {
      weightGradient3(source, sp, sourceStep, to, tp, step, count);
    } else {
      weightGradient2(source, sp, sourceStep, to, tp, step, count);
    }
  }

  /**
   * Writes {@code pixels} pixels of {@code count} sums each with the bias added; what is below
   * {@code floor} becomes it.
   *
   * @param outStep distance of the pixels in {@code out}; in {@code x} they lie side by side
   */
  static void finish(
      float[] x,
      int xp,
      float[] bias,
      int bp,
      float floor,
      float[] out,
      int op,
      int outStep,
      int pixels,
      int count) {
    for (int i = 0; i < count; i += LANES) {
      FloatVector b = FloatVector.fromArray(S, bias, bp + i);
      for (int k = 0; k < pixels; k++) {
        FloatVector.fromArray(S, x, xp + k * count + i)
            .add(b)
            .max(floor)
            .intoArray(out, op + k * outStep + i);
      }
    }
  }
}
