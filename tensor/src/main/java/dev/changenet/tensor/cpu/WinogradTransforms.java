package dev.changenet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The one-dimensional transforms of Winograd's algorithm F(4, 3): 6 inputs, 3 weights, 4 outputs, 6
 * products.
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
  private static final float B1 = (float) B;
  private static final float B2 = (float) BB;
  private static final float B3 = (float) (BB * B);
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

  private static FloatVector load(float[] x, int i) {
    return FloatVector.fromArray(S, x, i);
  }

  /** Six inputs to the six points. */
  static void input(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector d1 = load(source, s + sourceStep);
      FloatVector d2 = load(source, s + 2 * sourceStep);
      FloatVector d3 = load(source, s + 3 * sourceStep);
      FloatVector d4 = load(source, s + 4 * sourceStep);
      load(source, s).mul(PRODUCT).add(d4).sub(d2.mul(SUM)).intoArray(to, t);
      FloatVector even = d4.sub(d2.mul(B2));
      FloatVector odd = d3.sub(d1.mul(B2)).mul(A1);
      even.add(odd).intoArray(to, t + step);
      even.sub(odd).intoArray(to, t + 2 * step);
      even = d4.sub(d2.mul(A2));
      odd = d3.sub(d1.mul(A2)).mul(B1);
      even.add(odd).intoArray(to, t + 3 * step);
      even.sub(odd).intoArray(to, t + 4 * step);
      load(source, s + 5 * sourceStep)
          .add(d1.mul(PRODUCT))
          .sub(d3.mul(SUM))
          .intoArray(to, t + 5 * step);
    }
  }

  /** Three weights to the six points. */
  static void weight(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector g0 = load(source, s);
      FloatVector g1 = load(source, s + sourceStep);
      FloatVector g2 = load(source, s + 2 * sourceStep);
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
  static void output(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = load(source, s + sourceStep);
      FloatVector q = load(source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = load(source, s + 3 * sourceStep);
      q = load(source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      load(source, s).add(sumA).add(sumB).intoArray(to, t);
      difA.mul(A1).add(difB.mul(B1)).intoArray(to, t + step);
      sumA.mul(A2).add(sumB.mul(B2)).intoArray(to, t + 2 * step);
      difA.mul(A3)
          .add(difB.mul(B3))
          .add(load(source, s + 5 * sourceStep))
          .intoArray(to, t + 3 * step);
    }
  }

  /** Four gradients of outputs to the six points: the transpose of {@link #output}. */
  static void outputGradient(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector y0 = load(source, s);
      FloatVector y1 = load(source, s + sourceStep);
      FloatVector y2 = load(source, s + 2 * sourceStep);
      FloatVector y3 = load(source, s + 3 * sourceStep);
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

  /** Gradients of six points to three of weights: the transpose of {@link #weight}. */
  static void weightGradient(
      float[] source, int sp, int sourceStep, float[] to, int tp, int step, int count) {
    for (int i = 0; i < count; i += LANES) {
      int s = sp + i;
      int t = tp + i;
      FloatVector p = load(source, s + sourceStep);
      FloatVector q = load(source, s + 2 * sourceStep);
      FloatVector sumA = p.add(q);
      FloatVector difA = p.sub(q);
      p = load(source, s + 3 * sourceStep);
      q = load(source, s + 4 * sourceStep);
      FloatVector sumB = p.add(q);
      FloatVector difB = p.sub(q);
      load(source, s).mul(W0).add(sumA.mul(WA0)).add(sumB.mul(WB0)).intoArray(to, t);
      difA.mul(WA1).add(difB.mul(WB1)).intoArray(to, t + step);
      sumA.mul(WA2)
          .add(sumB.mul(WB2))
          .add(load(source, s + 5 * sourceStep))
          .intoArray(to, t + 2 * step);
    }
  }

  /** Writes {@code count} sums with the bias added; what is below {@code floor} becomes it. */
  static void finish(
      float[] x, int xp, float[] bias, int bp, float floor, float[] out, int op, int count) {
    for (int i = 0; i < count; i += LANES) {
      load(x, xp + i).add(load(bias, bp + i)).max(floor).intoArray(out, op + i);
    }
  }
}
