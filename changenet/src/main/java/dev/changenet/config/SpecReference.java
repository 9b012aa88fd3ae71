package dev.changenet.config;

import java.util.stream.Collectors;

/** The key table as text for people: command-line help and the reference page. */
public final class SpecReference {
  private SpecReference() {}

  /**
   * Returns help for one task: a line {@code key (type, default): description [allowed]} for every
   * key that it reads.
   */
  public static String help(Task task) {
    return SpecSchema.get().keys().stream()
        .filter(key -> key.readBy().contains(task))
        .map(
            key ->
                "  %s (%s, %s)%n      %s%s%n"
                    .formatted(
                        key.path(),
                        key.type(),
                        defaultText(key),
                        key.description(),
                        key.constraint().text().isEmpty()
                            ? ""
                            : " [" + key.constraint().text() + "]"))
        .collect(Collectors.joining())
        .replace("\r\n", "\n");
  }

  private static String defaultText(SpecKey key) {
    return key.isMandatory() ? "mandatory" : "default " + key.defaultText();
  }

  /** Returns the reference page {@code docs/spec.md}. */
  public static String markdown() {
    SpecSchema schema = SpecSchema.get();
    StringBuilder page = new StringBuilder(INTRODUCTION);
    section(page, schema, "", "Top level");
    for (String section : schema.sections()) {
      if (schema.keys().stream().anyMatch(key -> key.section().equals(section))) {
        section(page, schema, section, "`" + section + "`");
      }
    }
    page.append("\n## Other spellings\n\n| accepted | meaning |\n|---|---|\n");
    schema
        .aliases()
        .forEach((alias, key) -> page.append("| `%s` | `%s` |%n".formatted(alias, key)));
    return page.toString().replace("\r\n", "\n");
  }

  private static void section(StringBuilder page, SpecSchema schema, String section, String title) {
    page.append("\n## ").append(title).append("\n\n");
    page.append("| key | type | default | allowed | read by | meaning |\n");
    page.append("|---|---|---|---|---|---|\n");
    for (SpecKey key : schema.keys()) {
      if (key.section().equals(section)) {
        String readers =
            key.readBy().size() == Task.values().length
                ? "all"
                : key.readBy().stream().map(Task::key).collect(Collectors.joining(", "));
        page.append(
            "| `%s` | %s | `%s` | %s | %s | %s |%n"
                .formatted(
                    key.name(),
                    key.type(),
                    key.defaultText(),
                    escape(key.constraint().text()),
                    readers.isEmpty() ? "-" : readers,
                    escape(key.description())));
      }
    }
  }

  private static String escape(String text) {
    return text.replace("<", "&lt;").replace(">", "&gt;");
  }

  private static final String INTRODUCTION =
      """
      # Experiment spec reference

      One spec file (YAML, or JSON when its name ends in `.json`) serves the tasks `train`,
      `evaluate`, `inference` and `export`. Keys not listed here are errors. Settings can be changed
      on the command line with `path.to.key=value`.

      A default of `???` must be supplied before a task that reads the key can run. Ranges are
      checked only for keys the running task reads. `${path.to.key}` inserts the value of another
      key. Keys read by `-` are accepted and unused.

      This page is generated from the key table in `dev.changenet.config.SpecTable`; a test compares
      the two.
      """;
}
