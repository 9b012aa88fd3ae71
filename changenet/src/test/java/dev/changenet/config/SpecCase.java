package dev.changenet.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One wrong spec of {@code wrong-specs.txt}.
 *
 * @param bare true if the settings every run of the task needs are not supplied
 * @param expected class letter and message of each error
 */
record SpecCase(
    int line, Task task, boolean bare, String yaml, List<String> overrides, List<String> expected) {

  static List<SpecCase> all() throws IOException {
    try (InputStream in = SpecCase.class.getResourceAsStream("/config/wrong-specs.txt")) {
      return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /**
   * Cases start with {@code === task}; overrides with {@code + }, expected lines with {@code > }.
   */
  static List<SpecCase> parse(String text) {
    List<SpecCase> cases = new ArrayList<>();
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).startsWith("=== ")) {
        continue;
      }
      List<String> header = List.of(lines.get(i).substring(4).split(" "));
      Task task = Task.valueOf(header.getFirst().toUpperCase(Locale.ROOT));
      StringBuilder yaml = new StringBuilder();
      List<String> overrides = new ArrayList<>();
      List<String> expected = new ArrayList<>();
      int j = i + 1;
      for (; j < lines.size() && !lines.get(j).startsWith("=== "); j++) {
        String line = lines.get(j);
        if (line.startsWith("+ ")) {
          overrides.add(line.substring(2));
        } else if (line.startsWith("> ")) {
          expected.add(line.substring(2));
        } else if (!line.startsWith("# ")) {
          yaml.append(line).append('\n');
        }
      }
      cases.add(
          new SpecCase(i + 1, task, header.contains("bare"), yaml.toString(), overrides, expected));
    }
    return cases;
  }

  ExperimentSpec load() {
    List<String> all = new ArrayList<>(bare ? List.of() : required(task));
    all.addAll(overrides);
    return new SpecLoader(task).checkFiles(false).parse("spec.yaml", yaml, all);
  }

  /** Settings without which the task does not start, as overrides. */
  static List<String> required(Task task) {
    return switch (task) {
      case TRAIN -> List.of("dataset.segment.root_dir=/data");
      case EVALUATE, INFERENCE ->
          List.of("dataset.segment.root_dir=/data", task.key() + ".checkpoint=/m.pth");
      case EXPORT ->
          List.of(
              "export.checkpoint=/m.pth",
              "export.onnx_file=/m.onnx",
              "export.input_width=256",
              "export.input_height=256");
    };
  }

  @Override
  public String toString() {
    String what = yaml.isBlank() ? String.join(" ", overrides) : yaml.replace("\n", " ");
    return "line " + line + ": " + task.key() + " " + what;
  }
}
