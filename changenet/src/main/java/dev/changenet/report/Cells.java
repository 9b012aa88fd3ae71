package dev.changenet.report;

import java.util.Arrays;
import java.util.Locale;

/** Cells of tables about classes and scores. */
final class Cells {
  /** A name of so many characters stays on one line. */
  private static final int SHORT_NAME = 20;

  private final Html h;
  private final Evaluation found;

  Cells(Html h, Evaluation found) {
    this.h = h;
    this.found = found;
  }

  /** A row of headings. */
  void header(String... names) {
    h.in("tr", () -> Arrays.stream(names).forEach(n -> h.tag("th", n, "scope=col")));
  }

  /** A cell whose text ends at its right edge. */
  void number(String text) {
    h.tag("td", text, "class=n");
  }

  /** Heading of a row about a class: its colour, name and id. */
  void className(int c) {
    int[] rgb = found.color(c);
    h.in(
        "th",
        () -> {
          h.in("i", () -> {}, "class=swatch", "style=background:" + css(rgb));
          h.text(found.classNames().get(c));
          h.tag("small", "\u00a0" + c);
        },
        "scope=row",
        "class=" + (found.classNames().get(c).length() <= SHORT_NAME ? "short" : "long"));
  }

  /** A colour and what it means. */
  void swatch(int[] rgb, String words) {
    h.in(
        "span",
        () -> {
          h.in("i", () -> {}, "class=swatch", "style=background:" + css(rgb));
          h.text(words);
        });
  }

  private static String css(int[] rgb) {
    return String.format(Locale.ROOT, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
  }
}
