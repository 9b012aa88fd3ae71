package dev.changenet.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One spec of a golden file such as {@code wrong-specs.txt}.
 *
 * @param file name that the spec goes by, which tells YAML from JSON
 * @param bare true if the settings every run of the task needs are not supplied
 * @param expected class letter and message of each error, or each warning
 * @param shown excerpts and notes below the messages; not compared when empty
 */
record SpecCase(
    int line,
    Task task,
    String file,
    boolean bare,
    String yaml,
    List<String> overrides,
    List<String> expected,
    List<String> shown) {

  static List<SpecCase> all(String resource) throws IOException {
    try (InputStream in = SpecCase.class.getResourceAsStream("/config/" + resource)) {
      return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /**
   * Cases start with {@code === task}; overrides with {@code + }, expected lines with {@code > },
   * what is shown below them with {@code | }.
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
      List<String> shown = new ArrayList<>();
      int j = i + 1;
      for (; j < lines.size() && !lines.get(j).startsWith("=== "); j++) {
        String line = lines.get(j);
        if (line.startsWith("+ ")) {
          overrides.add(line.substring(2));
        } else if (line.startsWith("> ")) {
          expected.add(line.substring(2));
        } else if (line.startsWith("| ")) {
          shown.add(line.substring(2));
        } else if (!line.startsWith("# ")) {
          yaml.append(line).append('\n');
        }
      }
      cases.add(
          new SpecCase(
              i + 1,
              task,
              header.contains("json") ? "spec.json" : "spec.yaml",
              header.contains("bare"),
              yaml.toString(),
              overrides,
              expected,
              shown));
    }
    return cases;
  }

  ExperimentSpec load() {
    List<String> all = new ArrayList<>(bare ? List.of() : required(task));
    all.addAll(overrides);
    return new SpecLoader(task).checkFiles(false).parse(file, yaml, all);
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
