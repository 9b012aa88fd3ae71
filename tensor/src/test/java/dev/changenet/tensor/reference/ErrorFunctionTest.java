package dev.changenet.tensor.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorFunctionTest {
  /** Values of Abramowitz and Stegun's table 7.1. */
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "0.5, 0.5204998778",
    "1, 0.8427007929",
    "1.5, 0.9661051465",
    "2, 0.9953222650"
  })
  void matchesTheTable(double x, double expected) {
    assertThat(ErrorFunction.erf(x)).isCloseTo(expected, within(5e-11));
    assertThat(ErrorFunction.erf(-x)).isCloseTo(-expected, within(5e-11));
  }

  @Test
  void seriesAndContinuedFractionMeet() {
    double below = ErrorFunction.erf(Math.nextDown(2.5));
    assertThat(ErrorFunction.erf(2.5)).isCloseTo(below, within(1e-14));
  }

  @Test
  void itsSlopeIsTheGaussian() {
    double h = 1e-5;
    for (double x = -4; x <= 4; x += 0.37) {
      double slope = (ErrorFunction.erf(x + h) - ErrorFunction.erf(x - h)) / (2 * h);
      assertThat(slope).isCloseTo(2 / Math.sqrt(Math.PI) * Math.exp(-x * x), within(1e-9));
    }
  }

  @Test
  void saturatesAndKeepsNaN() {
    assertThat(ErrorFunction.erf(40)).isEqualTo(1);
    assertThat(ErrorFunction.erf(Double.NEGATIVE_INFINITY)).isEqualTo(-1);
    assertThat(ErrorFunction.erf(Double.NaN)).isNaN();
  }
}
