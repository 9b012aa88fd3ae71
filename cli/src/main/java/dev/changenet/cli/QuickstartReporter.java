package dev.changenet.cli;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Leaves out the printed specs, which would bury the rest, and warnings already given; remembers
 * the score to show.
 */
final class QuickstartReporter extends ConsoleReporter {
  private final Set<String> warnings = new HashSet<>();
  private double changeIou = Double.NaN;

  QuickstartReporter(Terminal terminal) {
    super(terminal);
  }

  @Override
  public void spec(String yaml) {}

  @Override
  public synchronized void warn(String line) {
    if (warnings.add(line)) {
      super.warn(line);
    }
  }

  @Override
  public void scores(Map<String, Double> scores, List<String> classNames) {
    changeIou = scores.get("iou_1");
    super.scores(scores, classNames);
  }

  /** Returns the IoU of class 1, change. */
  double changeIou() {
    return changeIou;
  }
}
