package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.config.SpecJsonSchema;
import dev.changenet.config.SpecTemplate;
import dev.changenet.config.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigCommandTest {
  @TempDir Path folder;

  private CommandRun config(String yaml, String... more) throws IOException {
    Path spec = Files.writeString(folder.resolve("spec.yaml"), yaml);
    List<String> args = new ArrayList<>(List.of("config", "-e", spec.toString()));
    args.addAll(List.of(more));
    return CommandRun.of(args.toArray(String[]::new));
  }

  @Test
  void aRightSpecIsShownWithTheOriginOfItsValues() throws IOException {
    CommandRun run =
        config(
            "results_dir: RESULTS\ndataset: {segment: {root_dir: DATA}}\n"
                .replace("DATA", folder.toString())
                .replace("RESULTS", folder.resolve("out").toString()),
            "train.num_epochs=3",
            "train.optim.momentum=0.5");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsPattern("(?m)^train.num_epochs +3 +override$")
        .containsPattern("(?m)^dataset.segment.root_dir +\\S+ +line 2$")
        .contains("spec.yaml is valid for train: ")
        .doesNotContain("train.seed");
    assertThat(run.err())
        .isEqualTo(
            "WARNING: override 'train.optim.momentum=0.5': train.optim.momentum has no effect,"
                + " adamw does not use it\n");
    assertThat(CommandRun.files(folder)).containsExactly("spec.yaml");
  }

  @Test
  void allErrorsOfAWrongSpecAreShownWithTheirLines() throws IOException {
    StringBuilder yaml = new StringBuilder("train:\n");
    for (int i = 0; i < 12; i++) {
      yaml.append("  lr").append(i).append(": 0.1\n");
    }
    CommandRun run = config(yaml.toString(), "--no-files", "dataset.segment.root_dir=/d");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .contains("spec.yaml:2:3: unknown key train.lr0", "spec.yaml:13:3: unknown key train.lr11")
        .contains("\n     2 |   lr0: 0.1\n       |   ^^^\n")
        .endsWith("\n12 errors: " + folder.resolve("spec.yaml") + " can't be used for train\n");
  }

  @Test
  void aTaskShowsErrorsWithTheirLinesToo() throws IOException {
    Path spec =
        Files.writeString(folder.resolve("spec.yaml"), "train:\n  optim: {optim: adamww}\n");
    CommandRun run = CommandRun.of("train", "-e", spec.toString(), "dataset.segment.root_dir=/");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err())
        .contains("ERROR: " + spec + ":2:11: train.optim.optim: must be one of adamw, adam, sgd")
        .contains("did you mean adamw?\n     2 |   optim: {optim: adamww}\n")
        .contains("= train.optim.optim: text, default adamw. Optimiser.\n");
  }

  @Test
  void jsonGoesToStandardOutput() throws IOException {
    CommandRun wrong = config("train: {seed: x}", "--json");
    CommandRun right =
        config(
            "",
            "--json",
            "--resolved",
            "--task",
            "evaluate",
            "--no-files",
            "dataset.segment.root_dir=/d",
            "evaluate.checkpoint=/m.pth");

    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.err()).isEmpty();
    JsonNode errors = new ObjectMapper().readTree(wrong.out()).get("errors");
    assertThat(errors.get(0).get("key").asText()).isEqualTo("train.seed");
    assertThat(right.code()).isZero();
    JsonNode settings = new ObjectMapper().readTree(right.out()).get("settings");
    assertThat(settings.get("evaluate.vis_after_n_batches").get("value").asInt()).isEqualTo(1);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          config                                  | Missing required option: '--experiment_spec_file=SPEC'
          config -e none.yaml                     | none.yaml: the spec file does not exist
          config -e none.yaml --task trian        | 'trian' is no task; expected train, evaluate, inference, export; did you mean 'train'?
          get-spec                                | Missing required option: '--action=TASK'
          get-spec --action all                   | 'all' is no task
          get-spec --task train --yaml --schema   | mutually exclusive
          get-spec --task train more              | 'more'
          """)
  void wrongCommandLinesAreExplained(String commandLine, String text) {
    CommandRun run = CommandRun.of(commandLine.split(" "));

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains(text).doesNotContain("\tat ");
  }

  @Test
  void aMistypedOverrideIsAnErrorOfTheSpec() throws IOException {
    assertThat(config("", "--no-files", "--frobnicate").err())
        .contains("override '--frobnicate': unknown option");
  }

  @Test
  void getSpecPrintsThreeForms() {
    assertThat(CommandRun.of("get-spec", "--action", "export").out())
        .isEqualTo(SpecTemplate.json(Task.EXPORT));
    assertThat(CommandRun.of("get-spec", "--task", "Train", "--yaml").out())
        .isEqualTo(SpecTemplate.yaml(Task.TRAIN));
    assertThat(CommandRun.of("visual_changenet", "get-spec", "--action=train", "--schema").out())
        .isEqualTo(SpecJsonSchema.of(Task.TRAIN));
  }
}
