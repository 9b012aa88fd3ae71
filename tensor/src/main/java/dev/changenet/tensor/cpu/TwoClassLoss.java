package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Cross-entropy of two classes. The logits of LANES / 2 rows fill a vector, and every lane finds
 * its partner by a swap: with the difference d to it, the lane's probability is 1/(1 + e^−d).
 */
final class TwoClassLoss {
  private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
  private static final int ROWS = LANES / 2;

  /** Rows whose losses are summed in float32 before they join the float64 sum. */
  private static final int GROUP = 1024;

  private static final VectorShuffle<Float> PARTNER = VectorShuffle.fromOp(SPECIES, i -> i ^ 1);
  private static final VectorShuffle<Integer> LOWER = VectorShuffle.fromOp(INTS, i -> i / 2);
  private static final VectorShuffle<Integer> UPPER = VectorShuffle.fromOp(INTS, i -> ROWS + i / 2);
  private static final IntVector CLASS =
      IntVector.broadcast(INTS, 0).addIndex(1).and(IntVector.broadcast(INTS, 1));

  private TwoClassLoss() {}

  /**
   * Returns the sum of the losses of rows from … to − 1 and writes scale times its gradient.
   *
   * @param g gradient by the logits, or null
   */
  static double crossEntropy(
      float[] z, int[] labels, int ignoreIndex, float scale, float[] g, int from, int to) {
    double loss = 0;
    int i = from;
    for (; i + LANES <= to; ) {
      int end = Math.min(i + GROUP, to - (to - i) % LANES);
      loss += group(z, labels, ignoreIndex, scale, g, i, end);
      i = end;
    }
    for (; i < to; i++) {
      loss += row(z, labels, ignoreIndex, scale, g, i);
    }
    return loss;
  }

  /** Whole vectors of labels, that is two vectors of logits each. */
  private static float group(
      float[] z, int[] labels, int ignoreIndex, float scale, float[] g, int from, int to) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int i = from; i < to; i += LANES) {
      IntVector label = IntVector.fromArray(INTS, labels, i);
      IntVector lower = label.rearrange(LOWER);
      IntVector upper = label.rearrange(UPPER);
      sum = sum.add(vector(z, 2 * i, lower, ignoreIndex, scale, g));
      sum = sum.add(vector(z, 2 * i + LANES, upper, ignoreIndex, scale, g));
    }
    return VectorMath.sum(sum);
  }

  /** Losses of LANES / 2 rows, each in the lane of its true class. */
  private static FloatVector vector(
      float[] z, int at, IntVector label, int ignoreIndex, float scale, float[] g) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector v = FloatVector.fromArray(SPECIES, z, at);
    FloatVector partner = v.rearrange(PARTNER);
    FloatVector d = v.sub(partner);
    VectorMask<Float> positive = d.compare(VectorOperators.GT, zero);
    FloatVector magnitude = d.neg().blend(d, positive);
    // NaN where the larger logit is infinite: an overflow is no certain prediction.
    FloatVector larger = v.max(partner);
    FloatVector e = VectorMath.exp(magnitude.neg()).add(larger.sub(larger));
    VectorMask<Float> counted = label.compare(VectorOperators.NE, ignoreIndex).cast(SPECIES);
    VectorMask<Float> own = label.compare(VectorOperators.EQ, CLASS).cast(SPECIES).and(counted);
    if (g != null) {
      // (p − 1) of the true class is minus the other's p: taken from e, not from a difference.
      FloatVector one = FloatVector.broadcast(SPECIES, 1f);
      FloatVector inverse = one.div(e.add(one)).mul(scale);
      FloatVector small = e.mul(inverse);
      FloatVector otherwise = small.blend(inverse, positive);
      FloatVector true0 = inverse.blend(small, positive).neg();
      zero.blend(otherwise.blend(true0, own), counted).intoArray(g, at);
    }
    FloatVector loss = VectorMath.log1p(e).add(magnitude.blend(zero, positive));
    return zero.blend(loss, own);
  }

  private static double row(
      float[] z, int[] labels, int ignoreIndex, float scale, float[] g, int i) {
    int label = labels[i];
    if (label == ignoreIndex) {
      if (g != null) {
        g[2 * i] = 0f;
        g[2 * i + 1] = 0f;
      }
      return 0;
    }
    double d = (double) z[2 * i + label] - z[2 * i + 1 - label];
    double larger = Math.max(z[2 * i], z[2 * i + 1]);
    double e = Double.isFinite(larger) ? Math.exp(-Math.abs(d)) : Double.NaN;
    if (g != null) {
      double other = (d > 0 ? e : 1) / (1 + e) * scale;
      g[2 * i + label] = (float) -other;
      g[2 * i + 1 - label] = (float) other;
    }
    return Math.log1p(e) + Math.max(-d, 0.0);
  }
}
