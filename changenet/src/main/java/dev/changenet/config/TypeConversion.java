package dev.changenet.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Conversion of written values to declared types. The rules are those of OmegaConf's structured
 * configurations, with which TAO reads the same specs.
 *
 * <p>Stored values are {@code Long}, {@code Double}, {@code Boolean}, {@code String}, null,
 * unmodifiable lists and maps of these, {@link Missing} and {@link Interpolation}.
 */
final class TypeConversion {
  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+(_[0-9]+)*");
  private static final Pattern FLOAT =
      Pattern.compile(
          "[+-]?([0-9]+(_[0-9]+)*\\.?([0-9]+(_[0-9]+)*)?|\\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+)?");
  private static final Set<String> TRUE = Set.of("true", "yes", "on", "y");
  private static final Set<String> FALSE = Set.of("false", "no", "off", "n");

  private static final List<String> WORDS = List.of("true", "false");

  private TypeConversion() {}

  /** The value does not fit; carries the place inside the value and the sentence. */
  static final class Mismatch extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String subPath;
    private final transient Location location;

    Mismatch(String subPath, String text, Location location) {
      super(text, null, false, false);
      this.subPath = subPath;
      this.location = location;
    }

    /** Returns the path inside the value, such as {@code .0}; empty for the value itself. */
    String subPath() {
      return subPath;
    }

    Location location() {
      return location;
    }
  }

  /**
   * Converts a written value.
   *
   * @throws Mismatch if the value cannot be converted (class T)
   */
  static Object convert(ValueType type, SpecNode node) {
    return convert(type, node, "");
  }

  private static Object convert(ValueType type, SpecNode node, String subPath) {
    return switch (node) {
      case SpecNode.Scalar scalar -> scalar(type, scalar, subPath);
      case SpecNode.Sequence sequence -> {
        if (type.kind() != ValueType.Kind.LIST && type.kind() != ValueType.Kind.ANY) {
          throw mismatch(type, node, subPath);
        }
        List<Object> items = new ArrayList<>();
        for (int i = 0; i < sequence.items().size(); i++) {
          items.add(convert(elementOf(type), sequence.items().get(i), subPath + "." + i));
        }
        yield Collections.unmodifiableList(items);
      }
      case SpecNode.Mapping mapping -> {
        if (type.kind() != ValueType.Kind.MAP && type.kind() != ValueType.Kind.ANY) {
          throw mismatch(type, node, subPath);
        }
        Map<String, Object> entries = new LinkedHashMap<>();
        for (SpecNode.Entry entry : mapping.entries()) {
          String entryPath = subPath + "." + entry.name();
          checkEntryName(type, entry, entryPath);
          entries.put(entry.name(), convert(elementOf(type), entry.value(), entryPath));
        }
        yield Collections.unmodifiableMap(entries);
      }
    };
  }

  private static ValueType elementOf(ValueType type) {
    return type.kind() == ValueType.Kind.ANY ? type : type.element();
  }

  /**
   * Integer names are accepted for maps of lists (the colour map), where they are class indices.
   */
  private static void checkEntryName(ValueType type, SpecNode.Entry entry, String entryPath) {
    boolean numbered =
        type.kind() == ValueType.Kind.MAP
            && type.element().kind() == ValueType.Kind.LIST
            && INTEGER.matcher(entry.name()).matches();
    if (!entry.textKey() && !numbered && type.kind() != ValueType.Kind.ANY) {
      throw new Mismatch(
          entryPath,
          "the name of an entry must be text, got "
              + entry.name()
              + " (write '"
              + entry.name()
              + "')",
          entry.location());
    }
  }

  private static Object scalar(ValueType type, SpecNode.Scalar node, String subPath) {
    Object value = node.value();
    if (value instanceof String text) {
      if (text.equals(Missing.TEXT)) {
        return Missing.VALUE;
      }
      if (Interpolation.isIn(text)) {
        return new Interpolation(text);
      }
    }
    if (value == null) {
      if (type.nullable()) {
        return null;
      }
      throw mismatch(type, node, subPath);
    }
    Object converted =
        switch (type.kind()) {
          case INT -> integer(value);
          case FLOAT -> number(value);
          case BOOL -> bool(value);
          case STRING -> value instanceof String ? value : PythonText.of(value);
          case LIST, MAP -> null;
          case ANY -> value instanceof BigInteger ? value.toString() : value;
        };
    if (converted == null) {
      throw mismatch(type, node, subPath);
    }
    return converted;
  }

  private static Long integer(Object value) {
    BigInteger integer =
        switch (value) {
          case Long l -> BigInteger.valueOf(l);
          case BigInteger b -> b;
          case String s when INTEGER.matcher(s.strip()).matches() ->
              new BigInteger(s.strip().replace("_", ""));
          default -> null;
        };
    return integer == null || integer.bitLength() > 63 ? null : Long.valueOf(integer.longValue());
  }

  private static Double number(Object value) {
    return switch (value) {
      case Double d -> d;
      case Long l -> Double.valueOf(l);
      case BigInteger b -> Double.valueOf(b.doubleValue());
      case String s -> floatText(s.strip());
      default -> null;
    };
  }

  private static Double floatText(String text) {
    if (FLOAT.matcher(text).matches()) {
      return Double.valueOf(text.replace("_", ""));
    }
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "inf", "+inf", "infinity", "+infinity", ".inf", "+.inf" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity", "-.inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "+nan", "-nan", ".nan" -> Double.NaN;
      default -> null;
    };
  }

  private static Boolean bool(Object value) {
    return switch (value) {
      case Boolean b -> b;
      case Long l -> l != 0;
      case BigInteger b -> b.signum() != 0;
      case String s when INTEGER.matcher(s.strip()).matches() ->
          new BigInteger(s.strip().replace("_", "")).signum() != 0;
      case String s when TRUE.contains(s.toLowerCase(Locale.ROOT)) -> Boolean.TRUE;
      case String s when FALSE.contains(s.toLowerCase(Locale.ROOT)) -> Boolean.FALSE;
      default -> null;
    };
  }

  private static Mismatch mismatch(ValueType type, SpecNode node, String subPath) {
    return new Mismatch(
        subPath,
        "expected "
            + type.expectation()
            + ", got "
            + Values.describeWithType(Values.raw(node))
            + advice(type, node),
        node.location());
  }

  /** Returns {@code ; write …} where it is plain what was meant, else an empty text. */
  private static String advice(ValueType type, SpecNode node) {
    if (!(node instanceof SpecNode.Scalar written) || written.value() == null) {
      return "";
    }
    Object value = written.value();
    String text = String.valueOf(value).strip();
    return switch (type.kind()) {
      case LIST -> listAdvice(type.element(), value, text);
      case INT ->
          value instanceof Double d && d == Math.rint(d) && Math.abs(d) < 1e15
              ? "; write " + d.longValue()
              : "";
      case BOOL -> value instanceof String ? KeySuggestions.question(text, WORDS) : "";
      default -> "";
    };
  }

  private static String listAdvice(ValueType element, Object value, String text) {
    if (text.startsWith("[")) {
      return "; write the list without quotes";
    }
    return isOf(element, value)
        ? "; write [" + (value instanceof Double d ? PythonText.of(d) : text) + "]"
        : "";
  }

  private static boolean isOf(ValueType type, Object value) {
    return switch (type.kind()) {
      case INT -> integer(value) != null;
      case FLOAT -> number(value) != null;
      default -> type.kind() == ValueType.Kind.STRING;
    };
  }

  /**
   * Converts a value that an interpolation produced.
   *
   * @throws Mismatch if the value cannot be converted (class T)
   */
  static Object convertResolved(ValueType type, Object value, Location location) {
    return convert(type, node(value, location));
  }

  private static SpecNode node(Object value, Location location) {
    return switch (value) {
      case List<?> list ->
          new SpecNode.Sequence(list.stream().map(item -> node(item, location)).toList(), location);
      case Map<?, ?> map ->
          new SpecNode.Mapping(
              map.entrySet().stream()
                  .map(
                      entry ->
                          new SpecNode.Entry(
                              (String) entry.getKey(),
                              true,
                              location,
                              node(entry.getValue(), location)))
                  .toList(),
              location);
      case null, default -> new SpecNode.Scalar(value, location);
    };
  }
}
