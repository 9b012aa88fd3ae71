package dev.changenet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ThresholdCurveTest {
  private final ThresholdCurve curve = new ThresholdCurve();

  /** Counts anew for every threshold. */
  @Test
  void agreesWithCountingPixelByPixel() {
    Random random = new Random(5);
    int n = 4000;
    double[] probabilities = new double[n];
    boolean[] truth = new boolean[n];
    for (int i = 0; i < n; i++) {
      truth[i] = random.nextInt(4) == 0;
      double p = random.nextGaussian() * 0.2 + (truth[i] ? 0.7 : 0.3);
      // Between the thresholds, so that rounding decides nothing.
      probabilities[i] = (Math.floor(Math.clamp(p, 0, 0.999) * 1000) + 0.5) / 1000;
      curve.add(probabilities[i], truth[i]);
    }
    double best = 0;
    double area = 0;
    double before = 0;
    List<ThresholdCurve.Point> points = curve.points();
    assertThat(points).hasSize(1000);
    for (ThresholdCurve.Point point : points) {
      int hits = 0;
      int predicted = 0;
      int positives = 0;
      for (int i = 0; i < n; i++) {
        boolean yes = probabilities[i] >= point.threshold();
        hits += yes && truth[i] ? 1 : 0;
        predicted += yes ? 1 : 0;
        positives += truth[i] ? 1 : 0;
      }
      double precision = predicted == 0 ? 1 : (double) hits / predicted;
      double recall = (double) hits / positives;
      assertThat(point.precision()).isCloseTo(precision, within(1e-12));
      assertThat(point.recall()).isCloseTo(recall, within(1e-12));
      best = Math.max(best, hits == 0 ? 0 : 2 * precision * recall / (precision + recall));
      area += (recall - before) * precision;
      before = recall;
    }
    assertThat(curve.best().f1()).isCloseTo(best, within(1e-12));
    assertThat(curve.averagePrecision()).isCloseTo(area, within(1e-12));
    assertThat(curve.at(0.25)).isEqualTo(points.get(999 - 250));
    assertThat(curve.total()).isEqualTo(n);
  }

  /** At 0 everything is positive: no one needs a network for that. */
  @Test
  void zeroIsNeverTheBestThreshold() {
    curve.add(0.0004, true);
    curve.add(0.0002, false);
    assertThat(curve.points().getLast().f1()).isPositive();
    assertThat(curve.best().threshold()).isPositive();
  }

  @Test
  void putsTheBestThresholdInTheMiddleOfAGap() {
    curve.add(0.1, false);
    curve.add(0.9, true);
    assertThat(curve.best().f1()).isEqualTo(1);
    assertThat(curve.best().threshold()).isCloseTo(0.5, within(0.01));
    assertThat(curve.averagePrecision()).isEqualTo(1);
  }

  @Test
  void keepsProbabilitiesAtTheEndsAndBeyond() {
    curve.add(1.0, true);
    curve.add(1.0000001, true);
    curve.add(-1e-9, false);
    curve.add(0, false);
    assertThat(curve.at(0.999).recall()).isEqualTo(1);
    assertThat(curve.at(0.001).precision()).isEqualTo(1);
    assertThat(curve.at(0).precision()).isEqualTo(0.5);
  }

  @Test
  void hasNoF1WithoutPositives() {
    curve.add(0.7, false);
    assertThat(curve.positives()).isZero();
    assertThat(curve.best().f1()).isZero();
    assertThat(curve.averagePrecision()).isZero();
  }
}
