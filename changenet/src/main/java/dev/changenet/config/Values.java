package dev.changenet.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Settings in words, for messages. */
final class Values {
  private static final int MAX_LENGTH = 80;

  private Values() {}

  /** Returns the value as a user would write it, text in quotes, long ones cut. */
  static String describe(Object value) {
    String text = text(value);
    return text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH - 3) + "...";
  }

  /** Returns the value with the name of its type in front, where the form does not show it. */
  static String describeWithType(Object value) {
    return switch (value) {
      case Boolean b -> "boolean " + b;
      case String s when s.isEmpty() -> "empty text";
      case String s -> "text " + describe(s);
      case Interpolation i -> "text " + describe(i);
      case Double d -> "float " + describe(d);
      case List<?> l -> "list " + describe(l);
      case Map<?, ?> m -> "mapping " + describe(m);
      case null, default -> describe(value);
    };
  }

  /** Returns the plain form of a value as it was written. */
  static Object raw(SpecNode node) {
    return switch (node) {
      case SpecNode.Scalar scalar -> scalar.value();
      case SpecNode.Sequence sequence ->
          sequence.items().stream().map(item -> wrapNull(raw(item))).toList();
      case SpecNode.Mapping mapping ->
          mapping.entries().stream()
              .collect(
                  Collectors.toMap(
                      SpecNode.Entry::name,
                      entry -> wrapNull(raw(entry.value())),
                      (first, second) -> second,
                      LinkedHashMap::new));
    };
  }

  /** Collections made by streams refuse null; the stand-in prints the same. */
  private static Object wrapNull(Object value) {
    return value == null ? Null.VALUE : value;
  }

  private enum Null {
    VALUE;

    @Override
    public String toString() {
      return "null";
    }
  }

  private static String text(Object value) {
    return switch (value) {
      case null -> "null";
      case String s -> "'" + s + "'";
      case Interpolation i -> "'" + i.text() + "'";
      case Double d -> PythonText.of(d);
      case List<?> list ->
          list.stream().map(Values::text).collect(Collectors.joining(", ", "[", "]"));
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> entry.getKey() + ": " + text(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      default -> value.toString();
    };
  }
}
