package dev.changenet.cli;

import java.util.Map;

/** Leaves out the printed specs, which would bury the rest, and remembers the score to show. */
final class QuickstartReporter extends ConsoleReporter {
  private double changeIou = Double.NaN;

  QuickstartReporter(Terminal terminal) {
    super(terminal);
  }

  @Override
  public void spec(String yaml) {}

  @Override
  public void scores(Map<String, Double> scores) {
    changeIou = scores.get("iou_1");
    super.scores(scores);
  }

  /** Returns the IoU of class 1, change. */
  double changeIou() {
    return changeIou;
  }
}
