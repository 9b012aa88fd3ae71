package dev.changenet.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Parser of {@code path.to.key=value} arguments. The value grammar is that of Hydra 1.3's basic
 * overrides: typed scalars, quoted text, lists, maps and interpolations; sweeps, functions and
 * deletions are refused.
 */
final class OverrideParser {
  /** What looks like a setting: with a section, or of several words. */
  private static final Pattern SETTING = Pattern.compile("[a-z0-9]+([._][a-z0-9]+)+");

  private static final Pattern KEY = Pattern.compile("[A-Za-z0-9_$-]+(\\.[A-Za-z0-9_$-]+)*");
  private static final Pattern INT = Pattern.compile("[+-]?(0|[1-9](_?[0-9])*)");
  private static final Pattern FLOAT =
      Pattern.compile(
          "[+-]?((0|[1-9](_?[0-9])*)?\\.[0-9](_?[0-9])*([eE][+-]?[0-9](_?[0-9])*)?"
              + "|[0-9](_?[0-9])*\\.([eE][+-]?[0-9](_?[0-9])*)?"
              + "|[0-9](_?[0-9])*\\.[0-9](_?[0-9])*([eE][+-]?[0-9](_?[0-9])*)?"
              + "|(0|[1-9](_?[0-9])*)[eE][+-]?[0-9](_?[0-9])*)");

  /** Characters that may stand in a value without quotes, besides letters, digits and blanks. */
  private static final String PLAIN = "_/-\\+.$%*@?|:";

  private static final String ESCAPABLE = "\\()[]{}:=, \t";

  private final String text;
  private final Location location;
  private int position;

  private OverrideParser(String text, Location location) {
    this.text = text;
    this.location = location;
  }

  /** How the key is prefixed. */
  enum Mode {
    SET,
    /** {@code +key=value}: only for entries that do not exist yet. */
    ADD
  }

  /**
   * One parsed argument.
   *
   * @param path dotted path as written
   */
  record Override(String path, Mode mode, SpecNode value, Location location) {}

  /** The argument cannot be parsed. */
  private static SpecException failure(Location location, String text) {
    return new SpecException(SpecError.syntax(location, text));
  }

  /**
   * Parses one command-line argument.
   *
   * @throws SpecException of class S when it is not an override
   */
  static Override parse(String argument) {
    Location location = Location.override(argument);
    if (argument.startsWith("-")) {
      String setting = argument.replaceFirst("^--", "");
      String key = setting.replaceFirst("=.*", "");
      String hint =
          argument.startsWith("--") && SETTING.matcher(key).matches()
              ? "; settings of the spec have no dashes: "
                  + (setting.equals(key) ? key + "=<value>" : setting)
              : "";
      throw failure(location, "unknown option" + hint);
    }
    if (argument.startsWith("~")) {
      throw failure(location, "deleting a key is refused, every key of the spec is declared");
    }
    int equals = argument.indexOf('=');
    if (equals < 0) {
      throw failure(location, "expected key=value, in one word");
    }
    String key = argument.substring(0, equals).strip();
    Mode mode = key.startsWith("+") && !key.startsWith("++") ? Mode.ADD : Mode.SET;
    key = key.replaceFirst("^\\+{1,2}", "");
    if (key.isEmpty()) {
      throw failure(location, "the key in front of = is missing");
    }
    if (!KEY.matcher(key).matches()) {
      String hint = key.contains("[") ? ", write list elements as key.0=value" : "";
      throw failure(location, "'" + key + "' is not a dotted key" + hint);
    }
    SpecNode value = new OverrideParser(argument.substring(equals + 1), location).whole();
    return new Override(key, mode, value, location);
  }

  /** Parses the text after the equals sign; used for the defaults of the key table. */
  static SpecNode value(String text) {
    return new OverrideParser(text, Location.override("default=" + text)).whole();
  }

  private SpecNode whole() {
    skipBlanks();
    if (atEnd()) {
      return new SpecNode.Scalar("", location);
    }
    SpecNode value = element("");
    skipBlanks();
    if (atEnd()) {
      return value;
    }
    if (peek() == ',') {
      throw failure(
          location, "a comma starts a sweep, which requires --multirun; write [1,2] for a list");
    }
    throw unexpected();
  }

  /** Parses a list, a map, a quoted text or an unquoted one that ends before a terminator. */
  private SpecNode element(String terminators) {
    skipBlanks();
    if (atEnd()) {
      throw failure(location, "the value ends too early");
    }
    return switch (peek()) {
      case '[' -> list();
      case '{' -> map();
      case '\'', '"' -> new SpecNode.Scalar(quoted(), location);
      default -> new SpecNode.Scalar(typed(plain(terminators)), location);
    };
  }

  private SpecNode list() {
    position++;
    List<SpecNode> items = new ArrayList<>();
    skipBlanks();
    if (!atEnd() && peek() == ']') {
      position++;
      return new SpecNode.Sequence(items, location);
    }
    while (true) {
      items.add(element(",]"));
      if (next(']') == ']') {
        return new SpecNode.Sequence(List.copyOf(items), location);
      }
    }
  }

  private SpecNode map() {
    position++;
    List<SpecNode.Entry> entries = new ArrayList<>();
    skipBlanks();
    if (!atEnd() && peek() == '}') {
      position++;
      return new SpecNode.Mapping(entries, location);
    }
    while (true) {
      skipBlanks();
      if (!atEnd() && (peek() == '\'' || peek() == '"')) {
        throw failure(location, "the keys of a map must not be quoted");
      }
      String name = plain(":,}");
      Object typed = typed(name);
      if (atEnd() || peek() != ':') {
        throw failure(location, "expected ':' after '" + name + "' in the map");
      }
      position++;
      SpecNode value = element(",}");
      entries.removeIf(entry -> entry.name().equals(name));
      entries.add(new SpecNode.Entry(name, typed instanceof String, location, value));
      if (next('}') == '}') {
        return new SpecNode.Mapping(List.copyOf(entries), location);
      }
    }
  }

  /** Consumes a comma or the closing bracket. */
  private char next(char closing) {
    skipBlanks();
    if (atEnd()) {
      throw failure(location, "'" + closing + "' is missing");
    }
    char c = peek();
    if (c != ',' && c != closing) {
      throw unexpected();
    }
    position++;
    skipBlanks();
    if (c == ',' && !atEnd() && peek() == closing) {
      throw failure(location, "a comma before '" + closing + "' is not allowed");
    }
    return c;
  }

  /** Quotes are removed; a backslash escapes the quote character only. */
  private String quoted() {
    char quote = peek();
    position++;
    StringBuilder result = new StringBuilder();
    int backslashes = 0;
    while (!atEnd()) {
      char c = peek();
      position++;
      if (c == '\\') {
        backslashes++;
        continue;
      }
      boolean isQuote = c == quote;
      result.append("\\".repeat(isQuote ? backslashes / 2 : backslashes));
      if (isQuote && backslashes % 2 == 0) {
        return result.toString();
      }
      backslashes = 0;
      result.append(c);
    }
    throw failure(location, "the closing " + quote + " is missing");
  }

  private String plain(String terminators) {
    StringBuilder result = new StringBuilder();
    // Blanks inside the text belong to it, blanks at its end do not.
    int kept = 0;
    while (!atEnd()) {
      char c = peek();
      if (text.startsWith("${", position)) {
        result.append(interpolation());
        kept = result.length();
        continue;
      }
      if (terminators.indexOf(c) >= 0 || (terminators.isEmpty() && c == ',')) {
        break;
      }
      position++;
      if (c == '\\' && !atEnd() && ESCAPABLE.indexOf(peek()) >= 0) {
        result.append(peek());
        position++;
        kept = result.length();
      } else if (c == ' ' || c == '\t') {
        result.append(c);
      } else if (Character.isLetterOrDigit(c)
          || Character.isSurrogate(c)
          || PLAIN.indexOf(c) >= 0) {
        result.append(c);
        kept = result.length();
      } else {
        position--;
        throw unexpected();
      }
    }
    result.setLength(kept);
    if (kept == 0) {
      throw atEnd() ? failure(location, "the value ends too early") : unexpected();
    }
    return result.toString();
  }

  private String interpolation() {
    int start = position;
    int depth = 0;
    while (!atEnd()) {
      char c = peek();
      position++;
      if (c == '{') {
        depth++;
      } else if (c == '}') {
        depth--;
        if (depth == 0) {
          return text.substring(start, position);
        }
      }
    }
    throw failure(location, "the closing } of ${ is missing");
  }

  /** Reads an unquoted text as the number, boolean or null it looks like. */
  private static Object typed(String plain) {
    if (INT.matcher(plain).matches()) {
      BigInteger integer = new BigInteger(plain.replace("_", ""));
      return integer.bitLength() > 63 ? integer : (Object) integer.longValue();
    }
    if (FLOAT.matcher(plain).matches()) {
      return Double.valueOf(plain.replace("_", ""));
    }
    return switch (plain.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      case "null" -> null;
      case "inf", "+inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "+nan", "-nan" -> Double.NaN;
      default -> plain;
    };
  }

  private SpecException unexpected() {
    if (text.startsWith("~/") && position == 0) {
      return failure(
          location, "the ~ is not expanded here; write $HOME" + text.substring(1) + " instead");
    }
    return failure(
        location,
        "unexpected '"
            + peek()
            + "' at character "
            + (position + 1)
            + " of the value; put text with special characters in quotes");
  }

  private boolean atEnd() {
    return position >= text.length();
  }

  private char peek() {
    return text.charAt(position);
  }

  private void skipBlanks() {
    while (!atEnd() && (peek() == ' ' || peek() == '\t')) {
      position++;
    }
  }
}
