package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;

/** Loading of small specs with the settings every run of the task needs. */
final class SpecAssertions {
  private SpecAssertions() {}

  static SpecLoader loader(Task task) {
    return new SpecLoader(task).checkFiles(false);
  }

  static ExperimentSpec load(Task task, String yaml, String... overrides) {
    return load(loader(task), task, yaml, overrides);
  }

  static ExperimentSpec load(SpecLoader loader, Task task, String yaml, String... overrides) {
    List<String> all = new ArrayList<>(SpecCase.required(task));
    all.addAll(List.of(overrides));
    return loader.parse("spec.yaml", yaml, all);
  }

  static SpecException failure(Task task, String yaml, String... overrides) {
    return failure(loader(task), task, yaml, overrides);
  }

  static SpecException failure(SpecLoader loader, Task task, String yaml, String... overrides) {
    SpecException e =
        catchThrowableOfType(SpecException.class, () -> load(loader, task, yaml, overrides));
    assertThat(e).as("error for %s %s", yaml, List.of(overrides)).isNotNull();
    return e;
  }
}
