package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TileAxisTest {
  @ParameterizedTest
  @CsvSource({
    "32, 32, 0.25, 1", "20, 32, 0.25, 1", "33, 32, 0.25, 2", "56, 32, 0.25, 2", "57, 32, 0.25, 3",
    "1024, 256, 0.25, 5", "64, 32, 0, 2", "96, 32, 0.5, 5", "1, 32, 0.5, 1", "2048, 256, 0.1, 9"
  })
  void tilesCoverThePictureAndTheirWeightsSumToOne(
      int length, int tile, double overlap, int count) {
    TileAxis axis = new TileAxis(length, tile, overlap);

    assertThat(axis.count()).isEqualTo(count);
    double[] sums = new double[Math.max(length, tile)];
    for (int i = 0; i < axis.count(); i++) {
      if (i > 0) {
        assertThat(axis.start(i - 1) + tile - axis.start(i))
            .as("overlap of tile %d", i)
            .isGreaterThanOrEqualTo((int) Math.round(tile * overlap));
      }
      for (int d = 0; d < tile; d++) {
        assertThat(axis.weight(i, d)).isPositive().isLessThanOrEqualTo(1);
        sums[axis.start(i) + d] += axis.weight(i, d);
      }
    }
    assertThat(axis.start(0)).isZero();
    assertThat(axis.start(count - 1)).isEqualTo(Math.max(0, length - tile));
    for (double sum : sums) {
      assertThat(sum).isCloseTo(1, within(1e-6));
    }
  }

  @Test
  void weightsFallInAStraightLine() {
    // 0 to 7 and 4 to 11, overlapping in 4 to 7.
    TileAxis axis = new TileAxis(12, 8, 0.5);

    float[] expected = {1, 1, 1, 1, 0.875f, 0.625f, 0.375f, 0.125f};
    for (int d = 0; d < 8; d++) {
      assertThat(axis.weight(0, d)).isCloseTo(expected[d], within(1e-6f));
      assertThat(axis.weight(1, 7 - d)).isCloseTo(expected[d], within(1e-6f));
    }
  }
}
