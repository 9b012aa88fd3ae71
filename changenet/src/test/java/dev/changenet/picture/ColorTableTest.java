package dev.changenet.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.ChangeNetException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ColorTableTest {
  @Test
  void theGivenMapGoesFirst() {
    ColorTable table =
        ColorTable.of(Map.of("0", List.of(1, 2, 3), "1", List.of(255, 0, 9)), "LandSCD", 2, 5);
    assertThat(color(table, 0)).containsExactly(1, 2, 3);
    assertThat(color(table, 1)).containsExactly(255, 0, 9);
    assertThat(color(table, 255)).containsExactly(1, 1, 1);
  }

  @Test
  void landsatHasItsOwnColours() {
    ColorTable table = ColorTable.of(null, "LandSCD", 10, 5);
    assertThat(color(table, 0)).containsExactly(255, 255, 255);
    assertThat(color(table, 9)).containsExactly(218, 165, 32);
    assertThatThrownBy(() -> ColorTable.of(null, "LandSCD", 11, 5))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("10 classes")
        .hasMessageContaining("11");
  }

  @Test
  void otherColoursComeFromTheSeedAndAvoidBlack() {
    ColorTable table = ColorTable.of(null, "custom", 40, 1234);
    ColorTable again = ColorTable.of(null, "LEVIR-CD", 40, 1234);
    ColorTable other = ColorTable.of(null, "custom", 40, 1235);
    assertThat(color(table, 0)).containsExactly(255, 255, 255);
    for (int id = 1; id < 40; id++) {
      for (int v : color(table, id)) {
        assertThat(v).isBetween(1, 253);
      }
      assertThat(color(table, id)).isEqualTo(color(again, id));
    }
    assertThat(color(table, 1)).isNotEqualTo(color(other, 1));
  }

  @Test
  void mapsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> ColorTable.of(Map.of("0", List.of(1, 2, 3)), "x", 2, 0))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("has 1 colours, num_classes is 2");
    assertThatThrownBy(
            () -> ColorTable.of(Map.of("0", List.of(1, 2, 3), "7", List.of(1, 2, 3)), "x", 2, 0))
        .hasMessageContaining("class '1' is missing");
    assertThatThrownBy(
            () -> ColorTable.of(Map.of("0", List.of(1, 2, 3), "1", List.of(1, 256, 3)), "x", 2, 0))
        .hasMessageContaining("class '1' must be three integers within 0–255");
    assertThatThrownBy(
            () -> ColorTable.of(Map.of("0", List.of(1, 2), "1", List.of(1, 6, 3)), "x", 2, 0))
        .hasMessageContaining("class '0'");
  }

  private static int[] color(ColorTable table, int id) {
    return new int[] {table.get(id, 0), table.get(id, 1), table.get(id, 2)};
  }
}
