package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InferenceSpecTest {
  @TempDir Path folder;

  private InferenceSpec load(String... overrides) {
    return SpecAssertions.load(Task.INFERENCE, "", overrides).inference();
  }

  @Test
  void aPlainSpecAsksForNothingNew() {
    InferenceSpec spec = load();

    assertThat(spec.pictures()).isEmpty();
    assertThat(spec.output())
        .isEqualTo(new InferenceSpec.Output(false, InferenceSpec.Probabilities.NONE, false));
    assertThat(spec.threshold()).isEmpty();
    assertThat(spec.flips()).isFalse();
    assertThat(spec.tileOverlap()).isEmpty();
  }

  @Test
  void namedPicturesReplaceTheDataFolderAndGetMasks() {
    ExperimentSpec spec =
        new SpecLoader(Task.INFERENCE)
            .checkFiles(false)
            .parse(
                "spec.yaml",
                "",
                List.of(
                    "inference.checkpoint=/m.pth",
                    "inference.image_a='~/a.png'",
                    "inference.image_b=/b.png"));

    assertThat(spec.inference().pictures())
        .contains(
            new InferenceSpec.Pictures(
                Path.of(System.getProperty("user.home"), "a.png"), Path.of("/b.png")));
    assertThat(spec.inference().output().masks()).isTrue();
    assertThat(load("inference.image_a=/a", "inference.image_b=/b", "inference.masks=false"))
        .extracting(i -> i.output().masks())
        .isEqualTo(false);
  }

  @Test
  void withoutPicturesTheDataFolderIsMandatory() {
    SpecLoader loader = new SpecLoader(Task.INFERENCE).checkFiles(false);
    SpecException e =
        assertThrows(
            SpecException.class,
            () -> loader.parse("spec.yaml", "", List.of("inference.checkpoint=/m.pth")));

    assertThat(e.key()).isEqualTo("dataset.segment.root_dir");
  }

  @Test
  void tilesHaveTheSizeOfThePictures() {
    InferenceSpec spec = load("inference.tiles.enabled=true");

    assertThat(spec.tileOverlap()).hasValue(0.25);
    assertThat(spec.output().originalSize()).isTrue();
    assertThat(load("inference.tiles.overlap=0.5").tileOverlap()).isEmpty();
  }

  @Test
  void aThresholdIsANumberOrAFile() throws IOException {
    assertThat(load("inference.threshold=0.25").threshold())
        .contains(new ThresholdSpec(OptionalDouble.of(0.25), Optional.empty()));
    assertThat(load("inference.threshold=1e-3").threshold().orElseThrow().value()).hasValue(0.001);
    Path metrics = Files.writeString(folder.resolve("metrics.json"), "{}");
    for (Path given : List.of(folder, metrics)) {
      assertThat(load("inference.threshold=" + given).threshold())
          .contains(new ThresholdSpec(OptionalDouble.empty(), Optional.of(metrics)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1", "1.5", "-0.1", ".0", "1e300"})
  void aThresholdLiesBetweenZeroAndOne(String value) {
    SpecException e = SpecAssertions.failure(Task.INFERENCE, "", "inference.threshold=" + value);

    assertThat(e.errors()).hasSize(1);
    assertThat(e.key()).isEqualTo("inference.threshold");
    assertThat(e.getMessage()).contains("must be above 0 and below 1, got ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          inference.image_a=/a.png              | inference.image_a: needs inference.image_b as well
          inference.image_b=/a.png              | inference.image_b: needs inference.image_a as well
          inference.probabilities=some          | must be one of none, change, all, npy, got 'some'
          inference.output_size=big             | must be one of img_size, original, got 'big'
          inference.tiles.overlap=0.6           | must be >= 0 and <= 0.5, got 0.6
          """)
  void wrongValuesAreNamed(String override, String text) {
    assertThat(SpecAssertions.failure(Task.INFERENCE, "", override).getMessage()).contains(text);
  }

  @Test
  void whatIsNotThereIsNamed() throws IOException {
    Path model = Files.writeString(folder.resolve("m.pth"), "x");
    Path picture = Files.writeString(folder.resolve("a.png"), "x");

    assertThat(failure(model, "inference.image_a=/no.png", "inference.image_b=" + picture))
        .endsWith("inference.image_a: no such picture or folder: /no.png");
    assertThat(failure(model, "inference.image_a=" + picture, "inference.image_b=" + folder))
        .contains(
            "inference.image_b: "
                + folder
                + " is a folder, but inference.image_a ("
                + picture
                + ") is a file; give two pictures or two folders");
    assertThat(failure(model, "inference.threshold=/no.json"))
        .contains("inference.threshold: no such file: /no.json; expected a number between 0 and 1");
    assertThat(failure(model, "inference.threshold=" + folder))
        .contains("the folder " + folder + " holds no metrics.json");
  }

  private String failure(Path model, String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("inference.checkpoint=" + model);
    all.add("dataset.segment.root_dir=" + folder);
    return SpecAssertions.failure(
            new SpecLoader(Task.INFERENCE), Task.INFERENCE, "", all.toArray(String[]::new))
        .getMessage();
  }
}
