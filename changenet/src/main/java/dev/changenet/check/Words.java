package dev.changenet.check;

import dev.changenet.data.DataMessages;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Numbers and lists in sentences. */
final class Words {
  private static final int SHOWN = 8;

  private Words() {}

  /** Returns {@code 1 mask}, {@code 3 masks}. */
  static String count(long n, String noun) {
    return DataMessages.count(n, noun);
  }

  /** Returns the numbers with commas; of many the first and the last. */
  static String numbers(Collection<Integer> numbers) {
    List<Integer> all = List.copyOf(numbers);
    if (all.size() <= SHOWN) {
      return all.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }
    return all.subList(0, SHOWN / 2).stream().map(String::valueOf).collect(Collectors.joining(", "))
        + ", …, "
        + all.getLast();
  }

  /** Returns {@code value 3}, {@code values 3, 4}. */
  static String values(Collection<Integer> numbers) {
    return (numbers.size() == 1 ? "value " : "values ") + numbers(numbers);
  }

  /** Returns a share as {@code 12.75 %}; small ones keep two significant digits. */
  static String percent(double share) {
    double p = 100 * share;
    return p == 0 || p >= 0.1
        ? String.format(Locale.ROOT, "%.2f %%", p)
        : String.format(Locale.ROOT, "%.2g %%", p);
  }
}
