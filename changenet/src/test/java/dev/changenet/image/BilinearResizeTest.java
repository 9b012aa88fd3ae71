package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class BilinearResizeTest {
  private static final Offset<Float> ROUNDING = within(1e-6f);

  /** Centres of the new pixels lie at -0.25, 0.25, 0.75, 1.25 in units of the old ones. */
  @Test
  void enlargesBetweenThePixelCentres() {
    float[] row = {0, 1, 10, 11};

    // Two channels: (0, 10) and (1, 11).
    assertThat(BilinearResize.apply(new float[] {0, 10, 1, 11}, 2, 1, 2, 4, 1))
        .containsExactly(new float[] {0, 10, 0.25f, 10.25f, 0.75f, 10.75f, 1, 11}, ROUNDING);
    // One channel, two rows (0, 1) and (10, 11).
    assertThat(BilinearResize.apply(row, 2, 2, 1, 2, 4))
        .containsExactly(new float[] {0, 1, 2.5f, 3.5f, 7.5f, 8.5f, 10, 11}, ROUNDING);
  }

  /**
   * Reduced by 2 the triangle covers four pixels with 1, 3, 3, 1 eighths, cut off at the border.
   */
  @Test
  void averagesWhenItShrinks() {
    assertThat(BilinearResize.apply(new float[] {7, 0, 14, 0, 0, 8}, 6, 1, 1, 3, 1))
        .containsExactly(new float[] {(3 * 7 + 14) / 7f, 3 * 14 / 8f, 3 * 8 / 7f}, ROUNDING);
  }

  @Test
  void keepsConstantsAndWhatHasTheSizeAlready() {
    float[] map = new float[5 * 7 * 3];
    Arrays.fill(map, 0.3f);

    assertThat(BilinearResize.apply(map, 5, 7, 3, 5, 7)).isSameAs(map);
    for (float value : BilinearResize.apply(map, 5, 7, 3, 11, 4)) {
      assertThat(value).isCloseTo(0.3f, ROUNDING);
    }
  }
}
