package dev.changenet.cli;

import java.util.Locale;

/** The text of a progress line. */
final class ProgressLine {
  private static final int CELLS = 10;
  private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

  private ProgressLine() {}

  /**
   * Returns a line such as {@code Epoch 3: 64%|██████▍ | 81/127 [01:09<00:39, 1.17it/s,
   * train_loss_step=0.1234]}.
   *
   * @param bar the bar with its borders; may be empty
   * @param rate steps per second; not positive when unknown
   */
  static String text(
      String label,
      String bar,
      long done,
      long total,
      double seconds,
      double rate,
      String details) {
    String remaining = rate > 0 ? clock((total - done) / rate) : "?";
    return String.format(
        Locale.ROOT,
        "%s: %3d%%%s %d/%d [%s<%s, %s%s]",
        label,
        total == 0 ? 100 : 100 * done / total,
        bar,
        done,
        total,
        clock(seconds),
        remaining,
        speed(rate),
        details.isEmpty() ? "" : ", " + details);
  }

  /** Returns a bar of ten cells between two strokes. */
  static String bar(long done, long total, boolean unicode) {
    double share = total == 0 ? 1 : Math.min(1, (double) done / total);
    StringBuilder bar = new StringBuilder("|");
    int eighths = (int) (share * CELLS * 8);
    for (int cell = 0; cell < CELLS; cell++) {
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
