package dev.changenet.config;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text of a spec file, of which error messages show the line that they speak of.
 *
 * @param file the spec file as the user named it
 * @param lines without line ends
 */
record SpecSource(String file, List<String> lines) {
  private static final int WIDTH = 88;

  /** Characters in front of the column that stay visible in a long line. */
  private static final int BEFORE = 30;

  private static final int NUMBER_WIDTH = 6;
  private static final Pattern TOKEN =
      Pattern.compile("\"[^\"]*\"?|'[^']*'?|[^\\s:,\\[\\]{}#]+(?::\\S[^\\s,\\[\\]{}]*)?");
  private static final Pattern NAME = Pattern.compile("[\"']?([A-Za-z_-]{8,20})[\"']?\\s*[:=]");

  static SpecSource of(String file, String text) {
    return new SpecSource(file, text.lines().toList());
  }

  /** Returns the left margin of a line below an excerpt. */
  static String margin(String sign) {
    return " ".repeat(NUMBER_WIDTH) + " " + sign + " ";
  }

  /**
   * Returns the line at a place with carets under what starts there, two lines of text; empty when
   * the place is not in this file.
   */
  String excerpt(Location place) {
    if (!place.file().equals(file) || place.line() < 1 || place.line() > lines.size()) {
      return "";
    }
    String line = visible(lines.get(place.line() - 1));
    if (place.line() > 1 && namesSecret(lines.get(place.line() - 2)) >= 0) {
      // The secret may go on here.
      return "";
    }
    int secret = namesSecret(line);
    if (secret >= 0) {
      line = line.substring(0, secret) + " " + Secrets.MASK;
    }
    int column = Math.clamp(place.column() - 1L, 0, line.length());
    Matcher token = TOKEN.matcher(line).region(column, line.length());
    int length = token.lookingAt() ? token.end() - column : 1;
    int from = line.length() <= WIDTH ? 0 : Math.max(0, column - BEFORE);
    int to = Math.min(line.length(), from + WIDTH);
    String head = from > 0 ? "... " : "";
    String tail = to < line.length() ? " ..." : "";
    int shown = Math.max(1, Math.min(length, to - column));
    return ("%" + NUMBER_WIDTH + "d | %s%s%s\n%s%s%s\n")
        .formatted(
            place.line(),
            head,
            line.substring(from, to),
            tail,
            margin("|"),
            " ".repeat(head.length() + column - from),
            "^".repeat(shown));
  }

  /** One character stays one column; nothing that a terminal would obey gets through. */
  private static String visible(String line) {
    StringBuilder text = new StringBuilder();
    for (char c : line.toCharArray()) {
      text.append(c == '\t' ? ' ' : Character.isISOControl(c) ? '?' : c);
    }
    return text.toString().stripTrailing();
  }

  /** Returns the end of {@code encryption_key:}, misspelt too, or -1. */
  private static int namesSecret(String line) {
    Matcher name = NAME.matcher(line);
    while (name.find()) {
      if (Spelling.distance(name.group(1), Secrets.KEY) <= 4) {
        return name.end();
      }
    }
    return -1;
  }
}
