package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.ChangeNetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExperimentYamlTest {
  @TempDir Path folder;

  @Test
  void readsBackAsTheSameSpec() {
    for (Task task : Task.values()) {
      String yaml =
          SpecAssertions.load(
                  task,
                  """
                  encryption_key: tlt_encode
                  train:
                    optim: {lr: 1.0e-22, momentum: .nan}
                    classify: {cls_weight: [.inf, -.inf]}
                  wandb: {name: "a: 'b' # c\\n\\t\\u2028", tags: [yes, 'yes', '1', '', 'a, b', '[']}
                  dataset:
                    segment:
                      label_suffix: '${dataset.segment.train_split}.png'
                      color_map: {0: [0, 0, 0], 1: [9, 9, 9]}
                  quantize: {layers: [{a: 1}, null], backend_kwargs: {x: [1.5, true]}}
                  """,
                  task == Task.TRAIN ? "train.optim.momentum=0" : "train.seed=5")
              .toYaml();

      ExperimentSpec again =
          new SpecLoader(task).checkFiles(false).parse("experiment.yaml", yaml, List.of());

      assertThat(again.toYaml()).isEqualTo(yaml);
      assertThat(yaml).contains("encryption_key: '*****'\n").doesNotContain("tlt_encode");
    }
  }

  @Test
  void holdsEveryCanonicalKey() {
    String yaml = SpecAssertions.load(Task.TRAIN, "").toYaml();
    Map<String, Object> leaves = new LinkedHashMap<>();
    flatten("", SpecReader.parse("experiment.yaml", yaml).root(), leaves);

    assertThat(leaves.keySet())
        .containsAll(SpecSchema.get().keys().stream().map(SpecKey::path).toList());
    assertThat(leaves).containsEntry("evaluate.checkpoint", "???");
    assertThat(leaves).containsEntry("results_dir", "/results/train");
    assertThat(leaves).containsEntry("train.results_dir", "/results/train");
  }

  private static void flatten(String path, SpecNode node, Map<String, Object> leaves) {
    leaves.put(path, Values.raw(node));
    if (node instanceof SpecNode.Mapping mapping) {
      mapping
          .entries()
          .forEach(entry -> flatten(SpecSchema.join(path, entry.name()), entry.value(), leaves));
    }
  }

  @Test
  void isWrittenToTheResultsDirectory() throws IOException {
    ExperimentSpec spec = SpecAssertions.load(Task.TRAIN, "", "results_dir=" + folder);

    Path file = spec.writeExperimentYaml();

    assertThat(file).isEqualTo(folder.resolve("train/experiment.yaml"));
    assertThat(Files.readString(file)).isEqualTo(spec.toYaml());
  }

  @Test
  void unwritableDirectoryIsNamed() throws IOException {
    Path occupied = Files.writeString(folder.resolve("file"), "x");
    ExperimentSpec spec = SpecAssertions.load(Task.TRAIN, "", "results_dir=" + occupied);

    assertThatThrownBy(spec::writeExperimentYaml)
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining(occupied + "/train/experiment.yaml");
  }
}
