package dev.changenet.config;

import java.util.Set;

/**
 * One declared key of the experiment spec.
 *
 * @param path full dotted key
 * @param type declared type
 * @param defaultText default in the notation of command-line overrides
 * @param constraint what the value must satisfy beyond its type
 * @param readBy the tasks that read the key; only they check its range
 * @param description one line for help and documentation
 */
public record SpecKey(
    String path,
    ValueType type,
    String defaultText,
    Constraint constraint,
    Set<Task> readBy,
    String description) {

  /** Returns true if the key has no default and must be supplied before it is read. */
  public boolean isMandatory() {
    return defaultText.equals(Missing.TEXT);
  }

  /** Returns the last segment of the path. */
  public String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** Returns the path of the enclosing section; empty for a top-level key. */
  public String section() {
    return path.substring(0, Math.max(0, path.lastIndexOf('.')));
  }
}
