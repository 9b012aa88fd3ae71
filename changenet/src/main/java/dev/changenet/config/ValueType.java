package dev.changenet.config;

/**
 * The declared type of a key.
 *
 * @param kind the outer form
 * @param element type of list items and map values; null for scalars
 * @param nullable whether null is a value of the type
 */
public record ValueType(Kind kind, ValueType element, boolean nullable) {

  /** The outer form of a value. */
  public enum Kind {
    INT,
    FLOAT,
    BOOL,
    STRING,
    LIST,
    MAP,
    /** Anything: a free subtree nobody here looks into. */
    ANY
  }

  /**
   * Reads the notation of the key table: {@code int}, {@code float}, {@code bool}, {@code string},
   * {@code any}, {@code list of T}, {@code map of T}, each optionally followed by {@code or null}.
   */
  static ValueType parse(String text) {
    if (text.endsWith(" or null")) {
      ValueType type = parse(text.substring(0, text.length() - " or null".length()));
      return new ValueType(type.kind, type.element, true);
    }
    if (text.startsWith("list of ")) {
      return new ValueType(Kind.LIST, parse(text.substring("list of ".length())), false);
    }
    if (text.startsWith("map of ")) {
      return new ValueType(Kind.MAP, parse(text.substring("map of ".length())), false);
    }
    return switch (text) {
      case "int" -> new ValueType(Kind.INT, null, false);
      case "float" -> new ValueType(Kind.FLOAT, null, false);
      case "bool" -> new ValueType(Kind.BOOL, null, false);
      case "string" -> new ValueType(Kind.STRING, null, false);
      case "any" -> new ValueType(Kind.ANY, null, true);
      default -> throw new IllegalArgumentException("unknown type in the key table: " + text);
    };
  }

  /** Returns the words for "expected …", such as {@code a list of integers or null}. */
  String expectation() {
    String text =
        switch (kind) {
          case INT -> "an integer";
          case FLOAT -> "a number";
          case BOOL -> "a boolean (true or false)";
          case STRING -> "text";
          case LIST -> "a list of " + element.plural();
          case MAP -> "a mapping of names to " + element.plural();
          case ANY -> "any value";
        };
    return nullable && kind != Kind.ANY ? text + " or null" : text;
  }

  private String plural() {
    return switch (kind) {
      case INT -> "integers";
      case FLOAT -> "numbers";
      case BOOL -> "booleans";
      case STRING -> "texts";
      case LIST -> "lists of " + element.plural();
      case MAP -> "mappings";
      case ANY -> "values";
    };
  }

  /** Returns the notation of the key table. */
  @Override
  public String toString() {
    String text =
        switch (kind) {
          case INT -> "int";
          case FLOAT -> "float";
          case BOOL -> "bool";
          case STRING -> "string";
          case LIST -> "list of " + element;
          case MAP -> "map of " + element;
          case ANY -> "any";
        };
    return nullable && kind != Kind.ANY ? text + " or null" : text;
  }
}
