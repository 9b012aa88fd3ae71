package dev.changenet.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Reads settings: replaces {@code ${path}} by the value at that path and refuses {@code ???}.
 *
 * <p>Paths are absolute and refer to the tree as the user wrote it. Alone an interpolation keeps
 * the type of its target, inside a longer text the target is inserted as text; a backslash in front
 * of the dollar sign makes it literal. Resolvers such as {@code ${eval:...}} are refused.
 */
final class SpecResolver {
  private final SpecSchema schema;
  private final SpecTree tree;
  private final LinkedHashSet<String> inProgress = new LinkedHashSet<>();

  SpecResolver(SpecSchema schema, SpecTree tree) {
    this.schema = schema;
    this.tree = tree;
  }

  /**
   * Returns the value of a declared key.
   *
   * @throws SpecException of class M, T or X with one error
   */
  Object resolve(String path) {
    Location location = tree.location(path);
    if (!inProgress.add(path)) {
      String circle = String.join(" -> ", inProgress) + " -> " + path;
      String reader = inProgress.getFirst();
      throw unusable(reader, reader + ": interpolations run in a circle, " + circle);
    }
    try {
      return resolveValue(schema.key(path).orElseThrow().type(), tree.value(path), path, location);
    } finally {
      inProgress.remove(path);
    }
  }

  private Object resolveValue(ValueType type, Object value, String path, Location location) {
    return switch (value) {
      case Missing _ -> throw missing(path);
      case Interpolation interpolation -> {
        Object target = evaluate(interpolation.text(), path);
        if (type.kind() == ValueType.Kind.STRING && target instanceof String) {
          yield target;
        }
        try {
          yield TypeConversion.convertResolved(type, target, location);
        } catch (TypeConversion.Mismatch mismatch) {
          throw new SpecException(
              SpecError.type(
                  path,
                  location,
                  path + ": " + mismatch.getMessage() + " from '" + interpolation.text() + "'"));
        }
      }
      case List<?> list -> {
        List<Object> items = new ArrayList<>();
        for (Object item : list) {
          items.add(resolveValue(elementOf(type), item, path + "." + items.size(), location));
        }
        yield Collections.unmodifiableList(items);
      }
      case Map<?, ?> map -> {
        Map<Object, Object> entries = new LinkedHashMap<>();
        map.forEach(
            (name, item) ->
                entries.put(
                    name, resolveValue(elementOf(type), item, path + "." + name, location)));
        yield Collections.unmodifiableMap(entries);
      }
      case null, default -> value;
    };
  }

  private static ValueType elementOf(ValueType type) {
    return type.kind() == ValueType.Kind.ANY ? type : type.element();
  }

  private Object evaluate(String text, String path) {
    StringBuilder result = new StringBuilder();
    int position = 0;
    while (true) {
      int start = text.indexOf("${", position);
      if (start < 0) {
        return result.append(text, position, text.length()).toString();
      }
      if (start > 0 && text.charAt(start - 1) == '\\') {
        result.append(text, position, start - 1).append("${");
        position = start + 2;
        continue;
      }
      int end = text.indexOf('}', start);
      if (end < 0) {
        throw unusable(path, path + ": the closing } of ${ is missing in '" + text + "'");
      }
      Object target = target(text.substring(start + 2, end), path);
      if (start == 0 && end == text.length() - 1) {
        return target;
      }
      if (target instanceof List || target instanceof Map) {
        throw unusable(
            path,
            path
                + ": "
                + text.substring(start, end + 1)
                + " is not a single value and cannot be"
                + " put into the text '"
                + text
                + "'");
      }
      result.append(text, position, start).append(PythonText.of(target));
      position = end + 1;
    }
  }

  private Object target(String reference, String path) {
    String shown = "${" + reference + "}";
    if (reference.contains("${")) {
      throw unsupported(path, path + ": interpolations inside interpolations are not supported");
    }
    if (reference.contains(":")) {
      throw unsupported(
          path,
          path
              + ": the resolver in "
              + shown
              + " is not supported, only paths such as ${dataset.segment.batch_size} are");
    }
    String wanted = schema.canonical(reference.strip().replaceAll("\\[([^\\]]*)\\]", ".$1"));
    if (wanted.startsWith(".")) {
      throw unsupported(path, path + ": " + shown + " is relative, write the path from the top");
    }
    if (schema.key(wanted).isPresent()) {
      return resolve(wanted);
    }
    if (schema.isSection(wanted)) {
      throw unusable(path, path + ": " + shown + " is a section, not a value");
    }
    int dot = wanted.lastIndexOf('.');
    if (dot > 0) {
      String key = schema.canonical(wanted.substring(0, dot));
      String name = wanted.substring(dot + 1);
      Object container = schema.key(key).isPresent() ? resolve(key) : null;
      if (container instanceof Map<?, ?> map && map.containsKey(name)) {
        return map.get(name);
      }
      if (container instanceof List<?> list
          && name.matches("[0-9]{1,9}")
          && Integer.parseInt(name) < list.size()) {
        return list.get(Integer.parseInt(name));
      }
    }
    throw unusable(path, path + ": " + shown + " names no setting");
  }

  private SpecException missing(String path) {
    String reader = inProgress.isEmpty() ? path : inProgress.getFirst();
    boolean direct = path.equals(reader) || path.startsWith(reader + ".");
    String needed = direct ? "" : " (needed by " + reader + ")";
    return new SpecException(
        SpecError.missing(
            path,
            tree.location(reader),
            "Missing mandatory value: "
                + path
                + needed
                + "; set it in the spec or add "
                + path
                + "=<value>"));
  }

  private SpecException unusable(String path, String text) {
    return failure(FailureKind.CONFIGURATION, path, text);
  }

  private SpecException unsupported(String path, String text) {
    return failure(FailureKind.NOT_IMPLEMENTED, path, text);
  }

  private SpecException failure(FailureKind kind, String path, String text) {
    Location location = tree.location(inProgress.isEmpty() ? path : inProgress.getLast());
    return new SpecException(SpecError.unusable(kind, path, location, text));
  }
}
