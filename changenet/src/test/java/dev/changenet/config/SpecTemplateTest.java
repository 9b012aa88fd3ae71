package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SpecTemplateTest {

  @ParameterizedTest
  @EnumSource(Task.class)
  void bothFormsMeanTheDefaults(Task task) {
    String defaults = SpecAssertions.load(task, "").toYaml();
    SpecLoader loader = SpecAssertions.loader(task);

    assertThat(SpecAssertions.load(task, SpecTemplate.yaml(task)).toYaml()).isEqualTo(defaults);
    assertThat(loader.parse("d.json", SpecTemplate.json(task), SpecCase.required(task)).toYaml())
        .isEqualTo(defaults);
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void jsonHasTheSectionsOfTheTaskAndNoPaths(Task task) throws IOException {
    JsonNode root = new ObjectMapper().readTree(SpecTemplate.json(task));

    assertThat(root.get("task").asText()).isEqualTo("segment");
    for (Task other : Task.values()) {
      assertThat(root.has(other.key())).isEqualTo(other == task || other == Task.TRAIN);
    }
    assertThat(root.findValuesAsText("root_dir")).isEmpty();
    assertThat(root.toString()).doesNotContain("???", "_path\":", "encryption_key", "results_dir");
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void yamlHoldsEveryKeyThatTheTaskReadsWithItsDescription(Task task) {
    String yaml = SpecTemplate.yaml(task);
    SpecLint lint =
        SpecLint.of(
            Path.of("t.yaml"),
            SpecAssertions.loader(task),
            () -> SpecReader.parse("t.yaml", yaml),
            SpecCase.required(task));
    List<SpecKey> read =
        SpecSchema.get().keys().stream().filter(key -> key.readBy().contains(task)).toList();

    assertThat(lint.table(false).lines()).hasSize(read.size() + 3);
    assertThat(yaml.lines()).allMatch(line -> line.length() <= 110);
    String words = yaml.replaceAll("\n *#", "");
    read.forEach(key -> assertThat(words).contains(key.description()));
    long mandatory = read.stream().filter(SpecKey::isMandatory).count();
    assertThat(yaml.split("# Mandatory\\. ", -1)).hasSize((int) mandatory + 1);
    assertThat(yaml.lines().filter(line -> line.endsWith(": ???"))).hasSize((int) mandatory);
  }
}
