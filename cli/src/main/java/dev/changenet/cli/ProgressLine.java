package dev.changenet.cli;

import java.util.ArrayList;
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
    List<String> all = new ArrayList<>(details);
    all.addFirst(speed(rate));
    return timed(bar, all);
  }

  private String timed(String bar, List<String> details) {
    // Equally wide at all times, or the bar would change its length.
    String position = String.format("%" + Long.toString(total).length() + "d/%d", done, total);
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%s: %3d%%%s %s [%s<%s",
                label,
                total == 0 ? 100 : 100 * done / total,
                bar,
                position,
                clock(seconds),
                rate > 0 ? clock((total - done) / rate) : "?"));
    details.forEach(d -> text.append(", ").append(d));
    return text.append(']').toString();
  }

  /**
   * The line in at most {@code columns}: the last details are left out first, then the bar shrinks
   * and goes, then the speed, then the first details.
   */
  String fitted(List<String> details, int columns, boolean unicode) {
    List<String> important = details.subList(0, Math.min(IMPORTANT, details.size()));
    int room = columns - text("", important).length();
    if (room < 0) {
      for (int n = important.size(); n > 0; n--) {
        String text = timed("", important.subList(0, n));
        if (text.length() <= columns) {
          return text;
        }
      }
      String text = timed("", List.of());
      return text.substring(0, Math.min(text.length(), columns));
    }
    int cells = Math.min(room - 2, CELLS);
    String bar = cells < FEWEST_CELLS ? "" : bar(done, total, cells, unicode);
    int shown = details.size();
    while (shown > important.size() && text(bar, details.subList(0, shown)).length() > columns) {
      shown--;
    }
    return text(bar, details.subList(0, shown));
  }

  /**
   * Breaks a line whose parts two blanks separate into as few lines of at most {@code columns} as
   * possible, about equally long.
   */
  static String broken(String line, int columns) {
    int fewest = lines(line, columns).size();
    int narrowest = columns;
    while (narrowest > 1 && lines(line, narrowest - 1).size() == fewest) {
      narrowest--;
    }
    return String.join(System.lineSeparator(), lines(line, narrowest));
  }

  private static List<String> lines(String line, int columns) {
    List<String> lines = new ArrayList<>();
    StringBuilder current = new StringBuilder();
    for (String part : line.split(INDENT)) {
      if (!current.isEmpty() && current.length() + INDENT.length() + part.length() > columns) {
        lines.add(current.toString());
        current.setLength(0);
      }
      if (!current.isEmpty() || !lines.isEmpty()) {
        current.append(INDENT);
      }
      current.append(part);
    }
    lines.add(current.toString());
    return lines;
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
