package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsFileTest {
  private final WeightsFile file =
      new WeightsFile(
          Path.of("f.pth"),
          Map.of(
              "epoch",
              3L,
              "rate",
              0.5,
              "step",
              StoredTensor.floatScalar(4),
              "flag",
              true,
              "name",
              "n",
              "list",
              Arrays.asList(1L, null),
              "state",
              Map.of(7L, Map.of("w", StoredTensor.floatScalar(2)))));

  @Test
  void followsTheWayFromTheRoot() {
    assertThat(file.integer("epoch")).isEqualTo(3);
    assertThat(file.number("epoch")).isEqualTo(3);
    assertThat(file.number("rate")).isEqualTo(0.5);
    assertThat(file.number("step")).isEqualTo(4);
    assertThat(file.text("name")).isEqualTo("n");
    assertThat(file.list("list")).hasSize(2);
    assertThat(file.integer("list", 0)).isEqualTo(1);
    assertThat(file.tensor("state", 7, "w").item()).isEqualTo(2);
    assertThat(file.tensors("state", 7)).containsOnlyKeys("w");
    assertThat(file.map()).hasSize(7);
  }

  @Test
  void tellsAbsentFromNull() {
    assertThat(file.has("list", 1)).isTrue();
    assertThat(file.get("list", 1)).isNull();
    assertThat(file.has("list", 2)).isFalse();
    assertThat(file.has("absent")).isFalse();
    assertThat(file.has("epoch", "deeper")).isFalse();
  }

  @Test
  void saysWhatIsWrongWhere() {
    assertThatThrownBy(() -> file.get("state", 8, "w"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage("f.pth: has no entry 'state[8].w'");
    assertThatThrownBy(() -> file.map("name"))
        .hasMessage("f.pth: entry 'name' is the text 'n', expected a dictionary");
    assertThatThrownBy(() -> file.number("list", 1))
        .hasMessage("f.pth: entry 'list[1]' is None, expected a number");
    assertThatThrownBy(() -> file.tensors("state"))
        .hasMessage(
            "f.pth: entry 'state' holds '7' with a dictionary of 1,"
                + " expected names with tensors only");
  }

  @Test
  void recognisesFilesByContent(@TempDir Path folder) {
    Path renamed = folder.resolve("weights.tlt");
    TestFiles.write(renamed, TestFiles.bytes(TestFiles.sample("scalar.pth")));
    assertThat(WeightsFile.read(renamed).number("s")).isEqualTo(2.5);
    Path mislabelled = folder.resolve("w.safetensors");
    TestFiles.write(mislabelled, TestFiles.bytes(TestFiles.sample("scalar.pth")));
    assertThat(WeightsFile.read(mislabelled).number("n")).isEqualTo(7);
    assertThat(WeightsFile.read(TestFiles.sample("types.safetensors")).number("s")).isEqualTo(2.5);
  }

  @Test
  void listsStayLists() {
    assertThat(new WeightsFile(Path.of("l.pth"), List.of(5L)).integer(0)).isEqualTo(5);
  }
}
