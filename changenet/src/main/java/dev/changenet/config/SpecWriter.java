package dev.changenet.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes a tree of settings as YAML that reads back as the same settings. */
final class SpecWriter {
  /** Texts that YAML cannot mistake for anything else. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/.$][A-Za-z0-9_/.:+@%$-]*");

  /** Plain texts that YAML 1.1 reads as a boolean, null or a number. */
  private static final Pattern SPECIAL =
      Pattern.compile(
          "(?i)true|false|yes|no|on|off|y|n|null|none|~|[-+.]?(inf|nan)|.*:|[.][0-9].*");

  private SpecWriter() {}

  /** Returns the settings, given by dotted path, as nested block mappings. */
  static String write(Map<String, Object> settings) {
    Map<String, Object> root = new LinkedHashMap<>();
    settings.forEach(
        (path, value) -> {
          Map<String, Object> section = root;
          String[] names = path.split("\\.");
          for (int i = 0; i < names.length - 1; i++) {
            section = child(section, names[i]);
          }
          boolean hidden = Secrets.isSecret(path) && value != null;
          section.put(names[names.length - 1], new Leaf(hidden ? Secrets.MASK : value));
        });
    StringBuilder text = new StringBuilder();
    block(text, root, "");
    return text.toString();
  }

  private record Leaf(Object value) {}

  @SuppressWarnings("unchecked") // the tree holds maps (sections) and leaves only
  private static Map<String, Object> child(Map<String, Object> section, String name) {
    return (Map<String, Object>)
        section.computeIfAbsent(name, key -> new LinkedHashMap<String, Object>());
  }

  @SuppressWarnings("unchecked")
  private static void block(StringBuilder text, Map<String, Object> section, String indent) {
    section.forEach(
        (name, value) -> {
          text.append(indent).append(name).append(':');
          if (value instanceof Leaf leaf) {
            text.append(' ').append(flow(leaf.value())).append('\n');
          } else {
            text.append('\n');
            block(text, (Map<String, Object>) value, indent + "  ");
          }
        });
  }

  /** Returns one value on one line. */
  static String flow(Object value) {
    return switch (value) {
      case null -> "null";
      case Missing missing -> missing.toString();
      case Interpolation interpolation -> quote(interpolation.text());
      case String text -> text(text);
      case Double number -> number(number);
      case List<?> list ->
          list.stream()
              .map(item -> item instanceof Missing ? "'???'" : flow(item))
              .collect(Collectors.joining(", ", "[", "]"));
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> text((String) entry.getKey()) + ": " + flow(entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      default -> value.toString();
    };
  }

  private static String number(double number) {
    if (Double.isNaN(number)) {
      return ".nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? ".inf" : "-.inf";
    }
    String text = PythonText.of(number);
    // YAML 1.1 wants a dot in front of the exponent.
    return text.contains("e") && !text.contains(".") ? text.replace("e", ".0e") : text;
  }

  private static String text(String text) {
    return PLAIN.matcher(text).matches() && !SPECIAL.matcher(text).matches() ? text : quote(text);
  }

  /** Single quotes, or double quotes with escapes when there are control characters. */
  private static String quote(String text) {
    if (text.chars().noneMatch(SpecWriter::isControl)) {
      return "'" + text.replace("'", "''") + "'";
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (isControl(c)) {
        quoted.append("\\u%04x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  /** Characters a YAML reader would refuse, fold or drop. */
  private static boolean isControl(int c) {
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff;
  }
}
