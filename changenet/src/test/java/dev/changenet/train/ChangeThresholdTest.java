package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.config.ThresholdSpec;
import dev.changenet.image.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChangeThresholdTest {
  @TempDir Path folder;
  private Path checkpoint;

  @BeforeEach
  void writeCheckpoint() throws IOException {
    checkpoint = Files.writeString(folder.resolve("model.pth"), "x");
  }

  private ChangeThreshold read(String json) throws IOException {
    Path file = Files.writeString(folder.resolve("metrics.json"), json);
    return ChangeThreshold.of(
        new ThresholdSpec(OptionalDouble.empty(), Optional.of(file)), checkpoint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"scores": {}}                      | change.threshold is missing, expected a number
          {"change": {"threshold": "high"}}   | change.threshold is "high", expected a number
          {"change": {"threshold": null}}     | is null, expected a number (the evaluated split has no changed pixel)
          {"change": {"threshold": 1}}        | must be above 0 and below 1, got 1.0
          {"change": {"threshold": 0}}        | must be above 0 and below 1, got 0.0
          [1]                                 | change.threshold is missing
          ``                                  | change.threshold is missing
          {"change":                          | not valid JSON
          """)
  void aFileWithoutUsableThresholdIsNamed(String json, String text) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(folder.resolve("metrics.json") + ": ")
        .hasMessageContaining(text)
        .hasMessageEndingWith(
            "; give a metrics.json that evaluate wrote, or a number between 0 and 1");
  }

  @Test
  void anotherCheckpointIsAWarning() throws IOException {
    Path other = Files.writeString(folder.resolve("other.pth"), "x");
    String json = "{\"checkpoint\": \"%s\", \"change\": {\"threshold\": 0.25}}";

    assertThat(read(json.formatted(other)).warning().orElseThrow())
        .contains(
            "its threshold was found for other weights ("
                + other
                + ") than those of "
                + checkpoint);
    assertThat(read(json.formatted("/gone/other.pth")).warning()).isPresent();
  }

  /** A link to the latest checkpoint keeps its name while its content changes. */
  @Test
  void theHashOfTheWeightsCountsMoreThanTheirName() throws IOException {
    String json =
        "{\"checkpoint\": \"%s\", \"checkpoint_sha256\": \"%s\", \"change\": {\"threshold\": 0.25}}";
    // SHA-256 of the letter x.
    String hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

    assertThat(read(json.formatted("/elsewhere/other.pth", hash)).warning()).isEmpty();
    Files.writeString(checkpoint, "y");
    assertThat(read(json.formatted(checkpoint, hash)).warning()).isPresent();
  }

  @Test
  void theSameCheckpointIsNone() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("latest.pth"), checkpoint);
    String json = "{\"checkpoint\": \"%s\", \"change\": {\"threshold\": 0.25}}";

    for (Object named : new Object[] {checkpoint, link, "/gone/model.pth"}) {
      ChangeThreshold threshold = read(json.formatted(named));
      assertThat(threshold.warning()).as("%s", named).isEmpty();
      assertThat(threshold.value()).isEqualTo(0.25);
    }
    assertThat(read("{\"change\": {\"threshold\": 0.25}}").warning()).isEmpty();
  }
}
