package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpecLintTest {
  private static final String YAML =
      """
      encryption_key: hunter2
      results_dir: /r
      dataset:
        segment:
          root_dir: ${results_dir}/data
          batch_size: 8
          augmentation: {random_color: {enabled: false}}
      train: {optim: {lr: 0.001}}
      evaluate:
        checkpoint: ???
      """;

  @TempDir Path folder;

  private static SpecLint lint(Task task, String yaml, String... overrides) {
    SpecLoader loader = new SpecLoader(task).checkFiles(false).quietAboutGpus();
    return SpecLint.of(
        Path.of("s.yaml"), loader, () -> SpecReader.parse("s.yaml", yaml), List.of(overrides));
  }

  @Test
  void eachGivenValueHasItsOrigin() {
    SpecLint lint = lint(Task.TRAIN, YAML, "train.optim.lr=1e-4", "train.num_gpus=1");

    assertThat(lint.errors()).isEmpty();
    assertThat(lint.isValid()).isTrue();
    assertThat(lint.table(false))
        .isEqualTo(
            """
            encryption_key                                    *****    line 1
            results_dir                                       /r       line 2
            train.num_gpus                                    1        override
            train.optim.lr                                    0.0001   override
            dataset.segment.root_dir                          /r/data  line 5, from '${results_dir}/data'
            dataset.segment.batch_size                        8        line 6
            dataset.segment.augmentation.random_color.enable  false    line 7
            evaluate.checkpoint                               ???      line 10, not read by train

            s.yaml is valid for train: 6 settings from the file, 2 from overrides, %d defaults.
            Results go to /r/train
            """
                .formatted(defaults(Task.TRAIN) - 7));
  }

  private static long defaults(Task task) {
    return SpecSchema.get().keys().stream().filter(key -> key.readBy().contains(task)).count();
  }

  @Test
  void resolvedShowsWhateverTheTaskReads() {
    String table =
        lint(Task.EXPORT, "", SpecCase.required(Task.EXPORT).toArray(String[]::new)).table(true);

    for (SpecKey key : SpecSchema.get().keys()) {
      assertThat(table.contains("\n" + key.path() + " ") || table.startsWith(key.path() + " "))
          .as(key.path())
          .isEqualTo(key.readBy().contains(Task.EXPORT));
    }
    assertThat(table).containsPattern("export.opset_version +12 +default\n");
  }

  @Test
  void jsonHoldsTheSame() throws IOException {
    JsonNode root = new ObjectMapper().readTree(lint(Task.TRAIN, YAML, "train.seed=5").json(false));

    assertThat(root.get("valid").asBoolean()).isTrue();
    assertThat(root.get("errors")).isEmpty();
    assertThat(root.get("results_dir").asText()).isEqualTo("/r/train");
    JsonNode settings = root.get("settings");
    assertThat(settings.get("encryption_key").get("value").asText()).isEqualTo("*****");
    assertThat(settings.get("train.seed").get("value").asInt()).isEqualTo(5);
    assertThat(settings.get("train.seed").get("origin").asText()).isEqualTo("override");
    JsonNode data = settings.get("dataset.segment.root_dir");
    assertThat(data.get("value").asText()).isEqualTo("/r/data");
    assertThat(data.get("written").asText()).isEqualTo("'${results_dir}/data'");
    assertThat(data.get("line").asInt()).isEqualTo(5);
    assertThat(data.get("column").asInt()).isEqualTo(5);
    assertThat(settings.has("train.num_epochs")).isFalse();
    assertThat(
            new ObjectMapper()
                .readTree(lint(Task.TRAIN, YAML).json(true))
                .get("settings")
                .get("train.num_epochs")
                .get("origin")
                .asText())
        .isEqualTo("default");
  }

  @Test
  void everyErrorIsListed() throws IOException {
    StringBuilder yaml = new StringBuilder("train: {num_epochs: 0}\n");
    for (int i = 0; i < 13; i++) {
      yaml.append("wrong").append(i).append(": 1\n");
    }
    SpecLint lint = lint(Task.TRAIN, yaml.toString(), "dataset.segment.root_dir=/d");

    assertThat(lint.isValid()).isFalse();
    assertThat(lint.errors().lines().filter(line -> line.startsWith("s.yaml:"))).hasSize(14);
    assertThat(lint.errors()).endsWith("\n14 errors: s.yaml can't be used for train\n");
    JsonNode root = new ObjectMapper().readTree(lint.json(true));
    assertThat(root.get("valid").asBoolean()).isFalse();
    assertThat(root.has("settings")).isFalse();
    assertThat(root.get("errors")).hasSize(14);
    JsonNode first = root.get("errors").get(0);
    assertThat(first.get("class").asText()).isEqualTo("range");
    assertThat(first.get("key").asText()).isEqualTo("train.num_epochs");
    assertThat(first.get("line").asInt()).isEqualTo(1);
    assertThat(first.get("message").asText()).endsWith("must be >= 1, got 0");
  }

  @Test
  void filesAreLookedUpUnlessToldNot() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("spec.json"),
            "{\"dataset\": {\"segment\": {\"root_dir\": \"/no/data\"}}}");

    assertThat(SpecLint.of(file, List.of(), Task.TRAIN, false, Map.of()).isValid()).isTrue();
    assertThat(SpecLint.of(file, List.of(), Task.TRAIN, true, Map.of()).errors())
        .startsWith(
            file + ":1:26: dataset.segment.root_dir: the folder '/no/data' does not exist\n")
        .contains("^^^^^^^^^^");
  }
}
