package dev.changenet.cli;

import java.util.List;
import java.util.Locale;

/**
 * The text of a progress line.
 *
 * @param rate steps per second; not positive when unknown
 */
record ProgressLine(String label, long done, long total, double seconds, double rate) {
  private static final int CELLS = 10;
  private static final int FEWEST_CELLS = 4;

  /** Details that are worth more than the bar. */
  private static final int IMPORTANT = 2;

  private static final String EIGHTHS = " ▏▎▍▌▋▊▉";
  private static final String INDENT = "  ";

  /**
   * Returns a line such as {@code Epoch 3: 64%|██████▍ | 81/127 [01:09<00:39, 1.17it/s,
   * loss=0.1234]}.
   *
   * @param bar the bar with its borders; may be empty
   */
  String text(String bar, List<String> details) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%s: %3d%%%s %d/%d [%s<%s, %s",
                label,
                total == 0 ? 100 : 100 * done / total,
                bar,
                done,
                total,
                clock(seconds),
                rate > 0 ? clock((total - done) / rate) : "?",
                speed(rate)));
    details.forEach(d -> text.append(", ").append(d));
    return text.append(']').toString();
  }

  /**
   * The line in at most {@code columns}: the last details are left out first, then the bar shrinks
   * and goes, then the first details.
   */
  String fitted(List<String> details, int columns, boolean unicode) {
    int shown = fitting(details, Math.min(IMPORTANT, details.size()), "", columns);
    int room = columns - text("", details.subList(0, shown)).length() - 2;
    String bar = room < FEWEST_CELLS ? "" : bar(done, total, Math.min(room, CELLS), unicode);
    if (shown == IMPORTANT) {
      shown = Math.max(shown, fitting(details, details.size(), bar, columns));
    }
    String text = text(bar, details.subList(0, shown));
    return text.substring(0, Math.min(text.length(), columns));
  }

  /** Number of details, at most {@code most}, with which the line fits. */
  private int fitting(List<String> details, int most, String bar, int columns) {
    int n = most;
    while (n > 0 && text(bar, details.subList(0, n)).length() > columns) {
      n--;
    }
    return n;
  }

  /** Breaks a line whose parts two blanks separate into lines of at most {@code columns}. */
  static String broken(String line, int columns) {
    StringBuilder out = new StringBuilder();
    int used = 0;
    for (String part : line.split(INDENT)) {
      if (used > 0 && used + INDENT.length() + part.length() > columns) {
        out.append(System.lineSeparator());
        used = 0;
      }
      if (!out.isEmpty()) {
        out.append(INDENT);
        used += INDENT.length();
      }
      out.append(part);
      used += part.length();
    }
    return out.toString();
  }

  /** Returns a bar of {@code cells} cells between two strokes. */
  static String bar(long done, long total, int cells, boolean unicode) {
    double share = total == 0 ? 1 : Math.min(1, (double) done / total);
    StringBuilder bar = new StringBuilder("|");
    int eighths = (int) (share * cells * 8);
    for (int cell = 0; cell < cells; cell++) {
      int filled = eighths - 8 * cell;
      if (unicode) {
        bar.append(filled >= 8 ? '█' : EIGHTHS.charAt(Math.max(0, filled)));
      } else {
        bar.append(filled >= 8 ? '#' : '-');
      }
    }
    return bar.append('|').toString();
  }

  private static String speed(double rate) {
    if (!(rate > 0) || Double.isInfinite(rate)) {
      return "?it/s";
    }
    return rate >= 1
        ? String.format(Locale.ROOT, "%.2fit/s", rate)
        : String.format(Locale.ROOT, "%.2fs/it", 1 / rate);
  }

  /** Formats seconds as {@code MM:SS} or {@code H:MM:SS}. */
  static String clock(double seconds) {
    long s = Math.round(Math.max(0, seconds));
    return s < 3600
        ? String.format(Locale.ROOT, "%02d:%02d", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
}
