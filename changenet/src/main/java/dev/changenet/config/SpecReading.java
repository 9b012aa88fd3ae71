package dev.changenet.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The settings as one task reads them. Keys the task reads are resolved and checked against their
 * range, errors being collected; keys it does not read hold their default (or nothing, where they
 * have none) if they cannot be resolved or are out of range, because nobody will use them.
 */
final class SpecReading {
  private final SpecSchema schema;
  private final SpecTree tree;
  private final Task task;
  private final SpecResolver resolver;
  private final Map<String, Object> values = new LinkedHashMap<>();
  private final Set<String> unusable = new HashSet<>();
  private final List<SpecError> errors = new ArrayList<>();

  /**
   * @param doubtful keys and sections whose settings were already refused: they hold what was given
   *     before or their default, and no further check speaks of them
   */
  SpecReading(SpecSchema schema, SpecTree tree, Task task, Collection<String> doubtful) {
    this(schema, tree, task, doubtful, key -> key.readBy().contains(task));
  }

  /**
   * @param reads the keys that are read, whatever the task
   */
  SpecReading(
      SpecSchema schema,
      SpecTree tree,
      Task task,
      Collection<String> doubtful,
      Predicate<SpecKey> reads) {
    this.schema = schema;
    this.tree = tree;
    this.task = task;
    this.resolver = new SpecResolver(schema, tree);
    for (SpecKey key : schema.keys()) {
      boolean doubted = doubtful.stream().anyMatch(path -> concerns(path, key.path()));
      // Only one of the two results_dir keys is read; see ResultsDirectory.
      boolean read =
          reads.test(key)
              && !doubted
              && !key.name().equals("results_dir")
              && !(key.path().equals("dataset.segment.root_dir") && namesPictures());
      values.put(key.path(), read ? read(key) : readUnused(key));
      if (doubted) {
        unusable.add(key.path());
      }
    }
  }

  private static boolean concerns(String path, String key) {
    return path.equals(key) || path.startsWith(key + ".") || key.startsWith(path + ".");
  }

  private Object read(SpecKey key) {
    try {
      Object value = resolver.resolve(key.path());
      String violation = key.constraint().violation(value);
      if (violation == null) {
        return value;
      }
      range(key.path(), violation);
    } catch (SpecException e) {
      unusable.add(key.path());
      errors.addAll(e.errors());
    }
    return null;
  }

  /** Returns true when inference takes its pictures from image_a and image_b, not from a list. */
  boolean namesPictures() {
    return task == Task.INFERENCE
        && (hasValue("inference.image_a") || hasValue("inference.image_b"));
  }

  private boolean hasValue(String key) {
    try {
      Object value = resolver.resolve(key);
      return value != null && !value.equals("");
    } catch (SpecException e) {
      // What is wrong with it is told when the key itself is read.
      return true;
    }
  }

  private Object readUnused(SpecKey key) {
    try {
      Object value = resolver.resolve(key.path());
      if (key.constraint().violation(value) == null) {
        return value;
      }
    } catch (SpecException e) {
      // The setting is broken, but this task never uses it: fall through to the default.
      return defaultOf(key);
    }
    return defaultOf(key);
  }

  private Object defaultOf(SpecKey key) {
    Object value = schema.defaultValue(key.path());
    return value instanceof Missing ? null : value;
  }

  Task task() {
    return task;
  }

  SpecSchema schema() {
    return schema;
  }

  SpecResolver resolver() {
    return resolver;
  }

  List<SpecError> errors() {
    return errors;
  }

  /** Returns true if the keys could all be read, so that a check over them makes sense. */
  boolean readable(String... keys) {
    for (String key : keys) {
      if (unusable.contains(key)) {
        return false;
      }
    }
    return true;
  }

  Location location(String key) {
    return tree.location(leaf(key));
  }

  boolean isGiven(String key) {
    return tree.setting(key).given();
  }

  /** Returns true if the user gave another value than the default. */
  boolean isChanged(String key) {
    return isGiven(key) && !Objects.equals(tree.value(key), schema.defaultValue(key));
  }

  void fail(SpecException e) {
    errors.addAll(e.errors());
  }

  /** Records an error of class R; the text follows the key. */
  void range(String key, String text) {
    unusable.add(key);
    errors.add(SpecError.range(key, location(key), key + ": " + text));
  }

  /** Records an error of class X; the text follows the key. */
  void unusable(FailureKind kind, String key, String text) {
    unusable.add(key);
    errors.add(SpecError.unusable(kind, key, location(key), key + ": " + text));
  }

  /** Returns the declared key of a path that may go on inside a list or a map. */
  private String leaf(String path) {
    String key = path;
    while (schema.key(key).isEmpty()) {
      key = key.substring(0, key.lastIndexOf('.'));
    }
    return key;
  }

  Object value(String key) {
    return values.get(key);
  }

  void replace(String key, Object value) {
    values.put(key, value);
  }

  int integer(String key) {
    return Math.toIntExact(wide(key));
  }

  long wide(String key) {
    return (Long) values.get(key);
  }

  double number(String key) {
    return (Double) values.get(key);
  }

  boolean flag(String key) {
    return (Boolean) values.get(key);
  }

  String text(String key) {
    return (String) values.get(key);
  }

  /** Returns the text unless it is null or empty. */
  Optional<String> nonEmpty(String key) {
    return Optional.ofNullable(text(key)).filter(text -> !text.isEmpty());
  }

  /** Returns the path unless the text is null or empty. */
  Optional<Path> path(String key) {
    return nonEmpty(key).map(Path::of);
  }

  List<Integer> integers(String key) {
    return ((List<?>) values.get(key)).stream().map(item -> Math.toIntExact((Long) item)).toList();
  }

  /** Returns GPU indices; those too large for an int become the largest one, which no GPU has. */
  List<Integer> indices(String key) {
    return ((List<?>) values.get(key))
        .stream()
            .map(item -> Math.clamp((Long) item, Integer.MIN_VALUE, Integer.MAX_VALUE))
            .toList();
  }

  List<Double> numbers(String key) {
    return ((List<?>) values.get(key)).stream().map(item -> (Double) item).toList();
  }

  /** Returns a map of the spec as a map from names to stored values; null stays null. */
  Map<String, Object> map(String key) {
    if (values.get(key) == null) {
      return null;
    }
    Map<String, Object> map = new LinkedHashMap<>();
    ((Map<?, ?>) values.get(key)).forEach((name, item) -> map.put((String) name, item));
    return map;
  }
}
