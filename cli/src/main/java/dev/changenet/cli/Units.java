package dev.changenet.cli;

import java.util.Locale;

/** Numbers for tables: three or four digits and a unit. */
final class Units {
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final String[] DECIMAL = {"", " k", " M", " G", " T", " P", " E"};

  private Units() {}

  /** Bytes, such as {@code 12.5 MiB}. */
  static String bytes(long n) {
    return scaled(n, 1024, BINARY, " ");
  }

  /** A count, such as {@code 19.3 M}. */
  static String count(double n) {
    return scaled(n, 1000, DECIMAL, "");
  }

  private static String scaled(double n, int base, String[] units, String gap) {
    int i = 0;
    double v = n;
    while (v >= base && i < units.length - 1) {
      v /= base;
      i++;
    }
    // 999.96 would be shown as 1000.0.
    String number = i == 0 ? format("%.0f", v) : format(v < 100 ? "%.2f" : "%.1f", v);
    return number + gap + units[i];
  }

  /** A share, such as {@code 12.5}; empty for 0. */
  static String percent(double part, double whole) {
    if (part == 0 || whole == 0) {
      return "";
    }
    double p = 100 * part / whole;
    return p < 0.05 ? "<0.1" : format("%.1f", p);
  }

  /** Milliseconds of nanoseconds; empty for 0. */
  static String millis(double nanos) {
    return nanos == 0 ? "" : format(nanos < 1e8 ? "%.2f" : "%.1f", nanos / 1e6);
  }

  /** {@code text}, cut in its middle to {@code width} characters. */
  static String fit(String text, int width) {
    if (text.length() <= width) {
      return text;
    }
    int head = (width - 1) / 2;
    return text.substring(0, head) + "…" + text.substring(text.length() - (width - 1 - head));
  }

  static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
