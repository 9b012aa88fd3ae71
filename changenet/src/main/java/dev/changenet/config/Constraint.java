package dev.changenet.config;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The values a key may hold beyond its type.
 *
 * @param text the notation of the key table, as shown to users
 * @param min lower bound of the number (or of each number in a list)
 * @param minExclusive whether the lower bound itself is excluded
 * @param max upper bound
 * @param maxExclusive whether the upper bound itself is excluded
 * @param extra one more allowed number outside the bounds, such as -1
 * @param words allowed words; empty when any text will do
 * @param minItems least number of list items
 * @param maxItems greatest number of list items
 * @param order relation between the list items
 * @param finite whether NaN and infinity are excluded
 */
public record Constraint(
    String text,
    OptionalDouble min,
    boolean minExclusive,
    OptionalDouble max,
    boolean maxExclusive,
    OptionalLong extra,
    List<String> words,
    int minItems,
    int maxItems,
    Order order,
    boolean finite) {

  /** A relation between the items of a list. */
  public enum Order {
    ANY,
    DISTINCT,
    ASCENDING
  }

  private static final Pattern BOUND = Pattern.compile("(>=|>|<=|<|=) (-?[0-9.]+)");
  private static final Pattern ITEMS = Pattern.compile("([0-9]+)( or more)? items?");

  /**
   * Reads the notation of the key table: {@code >= 1}, {@code > 0 and < 1}, {@code = 3}, {@code -1
   * or >= 1}, {@code one of a, b}, {@code finite}, {@code 3 items}, {@code 1 or more items}, for
   * lists followed by {@code ; each <bounds>}, {@code ; distinct} or {@code ; ascending}. {@code
   * note ...} documents a rule that is checked elsewhere; an empty text means no constraint.
   */
  static Constraint parse(String text) {
    Builder builder = new Builder();
    if (text.startsWith("note ")) {
      return builder.build(text.substring("note ".length()));
    }
    if (text.startsWith("one of ")) {
      builder.words = List.of(text.substring("one of ".length()).split(", "));
      return builder.build(builder.words.size() == 1 ? builder.words.getFirst() : text);
    }
    for (String part : text.isEmpty() ? new String[0] : text.split("; ")) {
      Matcher items = ITEMS.matcher(part);
      if (items.matches()) {
        builder.minItems = Integer.parseInt(items.group(1));
        builder.maxItems = items.group(2) == null ? builder.minItems : Integer.MAX_VALUE;
      } else if (part.equals("distinct") || part.equals("ascending")) {
        builder.order = part.equals("distinct") ? Order.DISTINCT : Order.ASCENDING;
      } else {
        builder.bounds(part.startsWith("each ") ? part.substring("each ".length()) : part);
      }
    }
    return builder.build(text);
  }

  /** Returns why the value is not allowed ("must be …, got …"), or null when it is. */
  String violation(Object value) {
    return switch (value) {
      case null -> words.isEmpty() ? null : "must be " + text + ", got null";
      case String word ->
          words.isEmpty() || words.contains(word)
              ? null
              : "must be "
                  + text
                  + ", got "
                  + Values.describe(word)
                  + KeySuggestions.question(word, words);
      case Long number -> numberViolation(number);
      case Double number -> numberViolation(number);
      case List<?> list -> listViolation(list);
      default -> null;
    };
  }

  private String numberViolation(Number number) {
    double value = number.doubleValue();
    if (extra.isPresent() && value == extra.getAsLong()) {
      return null;
    }
    if (isBelow(value) || isAbove(value)) {
      String rule = text.startsWith("= ") ? text.substring(2) : text;
      return "must be " + rule + ", got " + Values.describe(number);
    }
    if (finite && !Double.isFinite(value)) {
      return "must be a finite number, got " + Values.describe(number);
    }
    if (number instanceof Long integer && max.isEmpty() && integer > Integer.MAX_VALUE) {
      return "must be at most " + Integer.MAX_VALUE + ", got " + number;
    }
    return null;
  }

  private boolean isBelow(double value) {
    return min.isPresent()
        && (minExclusive ? value <= min.getAsDouble() : value < min.getAsDouble());
  }

  private boolean isAbove(double value) {
    return max.isPresent()
        && (maxExclusive ? value >= max.getAsDouble() : value > max.getAsDouble());
  }

  private String listViolation(List<?> list) {
    String got = ", got " + Values.describe(list);
    if (list.size() < minItems || list.size() > maxItems) {
      return rule() + got;
    }
    for (Object item : list) {
      if (item instanceof Number number && numberViolation(number) != null) {
        return rule() + got;
      }
    }
    boolean ordered =
        switch (order) {
          case ANY -> true;
          case DISTINCT -> new HashSet<>(list).size() == list.size();
          case ASCENDING -> isAscending(list);
        };
    return ordered ? null : rule() + got;
  }

  private String rule() {
    if (minItems == 0 && !finite) {
      return "items must be at most " + Integer.MAX_VALUE;
    }
    return text.startsWith("each ")
        ? "items must be " + text.substring("each ".length())
        : "must have " + text;
  }

  private static boolean isAscending(List<?> list) {
    double[] numbers = list.stream().mapToDouble(item -> ((Number) item).doubleValue()).toArray();
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    return Arrays.equals(numbers, sorted);
  }

  private static final class Builder {
    private OptionalDouble min = OptionalDouble.empty();
    private boolean minExclusive;
    private OptionalDouble max = OptionalDouble.empty();
    private boolean maxExclusive;
    private OptionalLong extra = OptionalLong.empty();
    private List<String> words = List.of();
    private int minItems;
    private int maxItems = Integer.MAX_VALUE;
    private Order order = Order.ANY;
    private boolean finite;

    /** Reads {@code >= 0 and <= 1}, {@code -1 or >= 1} or {@code finite}. */
    private void bounds(String text) {
      finite = true;
      String rest = text;
      int or = rest.indexOf(" or ");
      if (or >= 0) {
        extra = OptionalLong.of(Long.parseLong(rest.substring(0, or)));
        rest = rest.substring(or + " or ".length());
      }
      if (rest.equals("finite")) {
        return;
      }
      for (String bound : rest.split(" and ")) {
        Matcher matcher = BOUND.matcher(bound);
        if (!matcher.matches()) {
          throw new IllegalArgumentException("unknown range in the key table: " + text);
        }
        OptionalDouble limit = OptionalDouble.of(Double.parseDouble(matcher.group(2)));
        switch (matcher.group(1)) {
          case ">=" -> min = limit;
          case ">" -> {
            min = limit;
            minExclusive = true;
          }
          case "<=" -> max = limit;
          case "<" -> {
            max = limit;
            maxExclusive = true;
          }
          default -> {
            min = limit;
            max = limit;
          }
        }
      }
    }

    private Constraint build(String text) {
      return new Constraint(
          text,
          min,
          minExclusive,
          max,
          maxExclusive,
          extra,
          words,
          minItems,
          maxItems,
          order,
          finite);
    }
  }
}
