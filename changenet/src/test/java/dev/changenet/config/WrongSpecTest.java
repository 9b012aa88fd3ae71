package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WrongSpecTest {

  static List<SpecCase> cases() throws IOException {
    return SpecCase.all("wrong-specs.txt");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void reportsExactlyTheseErrors(SpecCase specCase) {
    SpecException e = catchThrowableOfType(SpecException.class, specCase::load);

    assertThat(e).isNotNull();
    assertThat(e.errors())
        .extracting(error -> error.errorClass().letter() + " " + error.message())
        .containsExactlyElementsOf(specCase.expected());
    assertThat(e.getMessage().lines())
        .containsExactlyElementsOf(
            specCase.expected().stream().map(line -> line.substring(2)).toList());
    if (!specCase.shown().isEmpty()) {
      assertThat(e.details().lines())
          .containsSubsequence(specCase.expected().stream().map(line -> line.substring(2)).toList())
          .filteredOn(line -> line.startsWith("  "))
          .containsExactlyElementsOf(specCase.shown());
    }
  }

  @Test
  void tableCoversEveryClass() throws IOException {
    assertThat(cases().stream().map(c -> c.expected().getFirst().charAt(0)).distinct())
        .containsExactlyInAnyOrder('S', 'U', 'T', 'R', 'M', 'X');
    assertThat(cases()).hasSizeGreaterThan(150).noneMatch(c -> c.expected().isEmpty());
  }

  @Test
  void exceptionCarriesClassKeyFileLineAndColumn() {
    SpecException e = SpecAssertions.failure(Task.TRAIN, "train:\n  optim: {learning_rate: 1}\n");

    assertThat(e.errorClass()).isEqualTo(ErrorClass.UNKNOWN_KEY);
    assertThat(e.key()).isEqualTo("train.optim.learning_rate");
    assertThat(e.file()).isEqualTo("spec.yaml");
    assertThat(e.line()).isEqualTo(2);
    assertThat(e.column()).isEqualTo(11);
    assertThat(e.statusMessage()).startsWith("Configuration error: spec.yaml:2:11: unknown key");
  }

  @Test
  void statusMessageNamesTheCause() {
    assertThat(SpecAssertions.failure(Task.TRAIN, "train: {seed: x}").statusMessage())
        .startsWith("Parameter validation error: ");
    assertThat(SpecAssertions.failure(Task.TRAIN, "task: classify").statusMessage())
        .startsWith("Feature not implemented: ");
    assertThat(SpecAssertions.failure(Task.TRAIN, "results_dir: ???").statusMessage())
        .isEqualTo(
            "Configuration error: spec.yaml:1:1: Missing mandatory value: results_dir;"
                + " set it in the spec or add results_dir=<value>");
  }

  @Test
  void resultsDirectoryIsKnownOnlyOnceTheSpecIsLoaded() {
    assertThat(SpecAssertions.failure(Task.TRAIN, "train: {sed: 5}").resultsDir()).isEmpty();
    assertThat(SpecAssertions.failure(Task.TRAIN, "train: {seed: x}").resultsDir()).isEmpty();
    assertThat(SpecAssertions.failure(Task.TRAIN, "results_dir: ???").resultsDir()).isEmpty();
    assertThat(
            SpecAssertions.failure(Task.TRAIN, "results_dir: /r\ntrain: {seed: -5}").resultsDir())
        .hasToString("Optional[/r/train]");
  }

  @Test
  void moreThanTenErrorsAreCounted() {
    StringBuilder yaml = new StringBuilder();
    for (int i = 0; i < 13; i++) {
      yaml.append("wrong").append(i).append(": 1\n");
    }
    SpecException e = SpecAssertions.failure(Task.TRAIN, yaml.toString());

    assertThat(e.errors()).hasSize(13);
    assertThat(e.getMessage().lines()).hasSize(11).last().isEqualTo("... and 3 more");
  }

  @Test
  void rangesOfUnreadKeysAreNotChecked() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.EVALUATE,
            """
            train: {num_epochs: 0, seed: '${no.such}', precision: 8-bit}
            export: {opset_version: -1, checkpoint: x}
            dataset: {classify: {num_input: 0}}
            gen_trt_engine: {batch_size: 0}
            """);

    assertThat(spec.train().numEpochs()).isEqualTo(10);
    assertThat(spec.train().seed()).isEqualTo(1234);
  }
}
