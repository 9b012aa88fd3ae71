package dev.changenet.config;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Writes values of a spec as JSON. */
final class JsonText {
  private JsonText() {}

  /**
   * Returns indented JSON, lists of scalars on one line. Numbers that JSON lacks (infinities, NaN)
   * become texts in Python's spelling; {@code ???} and interpolations are texts, too.
   */
  static String of(Object value) {
    StringBuilder text = new StringBuilder();
    write(text, value, "\n");
    return text.append('\n').toString();
  }

  private static void write(StringBuilder text, Object value, String newLine) {
    switch (value) {
      case Map<?, ?> map -> block(text, map.entrySet().iterator(), newLine, '{', '}');
      case List<?> list when list.stream().anyMatch(i -> i instanceof Map || i instanceof List) ->
          block(text, list.iterator(), newLine, '[', ']');
      case List<?> list -> {
        text.append('[');
        for (Object item : list) {
          text.append(text.charAt(text.length() - 1) == '[' ? "" : ", ");
          write(text, item, newLine);
        }
        text.append(']');
      }
      case Double number when Double.isFinite(number) -> text.append(PythonText.of(number));
      case Double number -> quote(text, PythonText.of(number));
      case Number number -> text.append(number);
      case Boolean bool -> text.append(bool);
      case Interpolation interpolation -> quote(text, interpolation.text());
      case null -> text.append("null");
      default -> quote(text, value.toString());
    }
  }

  private static void block(
      StringBuilder text, Iterator<?> items, String newLine, char open, char close) {
    text.append(open);
    boolean any = items.hasNext();
    while (items.hasNext()) {
      text.append(newLine).append("  ");
      Object item = items.next();
      if (item instanceof Map.Entry<?, ?> entry) {
        quote(text, entry.getKey().toString());
        text.append(": ");
        write(text, entry.getValue(), newLine + "  ");
      } else {
        write(text, item, newLine + "  ");
      }
      text.append(items.hasNext() ? "," : "");
    }
    text.append(any ? newLine : "").append(close);
  }

  private static void quote(StringBuilder text, String value) {
    text.append('"').append(JsonStringEncoder.getInstance().quoteAsString(value)).append('"');
  }
}
