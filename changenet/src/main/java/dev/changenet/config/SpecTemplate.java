package dev.changenet.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Specs to start from: a task's defaults as JSON, and as YAML with comments. */
public final class SpecTemplate {
  /** Keys that name a file or folder of one machine, by their last segment. */
  private static final Set<String> PATHS =
      Set.of("results_dir", "root_dir", "checkpoint", "onnx_file", "trt_engine");

  private static final int WIDTH = 96;

  private SpecTemplate() {}

  /**
   * Returns the defaults as TAO's {@code get-spec} does: shared sections, {@code train} and the
   * task's own section, without paths and the encryption key. Keys that no task reads are left out.
   */
  public static String json(Task task) {
    Map<String, Object> root = new LinkedHashMap<>();
    for (SpecKey key : SpecSchema.get().keys()) {
      String top = key.path().split("\\.")[0];
      boolean other = !top.equals("train") && !top.equals(task.key()) && isTask(top);
      if (!key.readBy().isEmpty() && !other && !isPath(key) && !Secrets.isSecret(key.path())) {
        section(root, key.section()).put(key.name(), SpecSchema.get().defaultValue(key.path()));
      }
    }
    return JsonText.of(root);
  }

  private static boolean isTask(String section) {
    return List.of(Task.values()).stream().anyMatch(task -> task.key().equals(section));
  }

  private static boolean isPath(SpecKey key) {
    return PATHS.contains(key.name()) || key.name().endsWith("_path");
  }

  /** Returns the map at a dotted path, made where it is absent. */
  @SuppressWarnings("unchecked") // sections hold maps below the names of sections
  static Map<String, Object> section(Map<String, Object> root, String path) {
    Map<String, Object> at = root;
    for (String name : path.isEmpty() ? new String[0] : path.split("\\.")) {
      at = (Map<String, Object>) at.computeIfAbsent(name, n -> new LinkedHashMap<String, Object>());
    }
    return at;
  }

  /** Returns every key that the task reads, with default and comment, as a YAML spec. */
  public static String yaml(Task task) {
    StringBuilder text =
        new StringBuilder(
            """
            # Spec for the task %1$s: every key that it reads, with its default.
            # ??? marks what you must supply. Remove what you leave as it is, and check the rest:
            #   changenet config -e spec.yaml --task %1$s
            """
                .formatted(task.key()));
    String open = "";
    for (SpecKey key : ordered(task)) {
      open = openSections(text, open, key.section());
      String indent = "  ".repeat(open.isEmpty() ? 0 : open.split("\\.").length);
      String allowed = key.constraint().text();
      comment(
          text,
          indent,
          (key.isMandatory() ? "Mandatory. " : "")
              + key.description()
              + (allowed.isEmpty() ? "" : " [" + allowed + "]"));
      Object value = SpecSchema.get().defaultValue(key.path());
      text.append(indent).append(key.name()).append(": ").append(SpecWriter.flow(value));
      text.append('\n');
    }
    return text.toString();
  }

  /** A section stays in one piece: its own keys first, then its sections. */
  private static List<SpecKey> ordered(Task task) {
    Map<String, Object> root = new LinkedHashMap<>();
    for (SpecKey key : SpecSchema.get().keys()) {
      if (key.readBy().contains(task)) {
        section(root, key.section()).put(key.name(), key);
      }
    }
    List<SpecKey> keys = new ArrayList<>();
    collect(root, keys);
    return keys;
  }

  private static void collect(Map<?, ?> section, List<SpecKey> keys) {
    section.values().forEach(v -> keys.addAll(v instanceof SpecKey key ? List.of(key) : List.of()));
    section
        .values()
        .forEach(
            v -> {
              if (v instanceof Map<?, ?> inner) {
                collect(inner, keys);
              }
            });
  }

  /** Writes the headers between one section and the next; returns the next. */
  private static String openSections(StringBuilder text, String open, String next) {
    if (open.equals(next)) {
      return next;
    }
    String[] names = next.split("\\.");
    String path = "";
    for (int i = 0; i < names.length; i++) {
      path = SpecSchema.join(path, names[i]);
      if (!(open + ".").startsWith(path + ".")) {
        text.append(i == 0 ? "\n" : "").append("  ".repeat(i)).append(names[i]).append(":\n");
      }
    }
    return next;
  }

  private static void comment(StringBuilder text, String indent, String words) {
    StringBuilder line = new StringBuilder(indent + "#");
    for (String word : words.split(" ")) {
      if (line.length() + 1 + word.length() > WIDTH && line.length() > indent.length() + 1) {
        text.append(line).append('\n');
        line = new StringBuilder(indent + "#");
      }
      line.append(' ').append(word);
    }
    text.append(line).append('\n');
  }
}
