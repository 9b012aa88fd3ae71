package dev.changenet.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The curves of a training. */
final class CurvesSection {
  private static final String EPOCHS = "epochs done";

  /** Classes whose IoU gets a line of its own. */
  private static final int MAX_CLASSES = 6;

  /** The smoothed loss forgets within this share of the whole training. */
  private static final double MEMORY = 0.02;

  private final Html h;
  private final List<History.Epoch> epochs;
  private final List<History.Epoch> complete;
  private final List<String> classNames;

  CurvesSection(Html h, History history, List<String> classNames) {
    this.h = h;
    this.epochs = history.epochs();
    this.complete = epochs.stream().filter(History.Epoch::complete).toList();
    this.classNames = classNames;
  }

  void write() {
    Section.of(
        h,
        "curves",
        "Curves",
        () ->
            h.in(
                "div",
                () -> {
                  loss();
                  scores();
                  rate();
                  time();
                },
                "class=two"));
  }

  private void loss() {
    List<double[]> steps = new ArrayList<>();
    epochs.forEach(e -> e.points().forEach(p -> steps.add(new double[] {p.at(), p.loss()})));
    LineChart chart =
        new LineChart("Loss", EPOCHS, "")
            .fromZero()
            .add("step", 0, LineChart.Style.FAINT, steps)
            .add("steps, smoothed", 0, LineChart.Style.LINE, smoothed(steps))
            .add("mean of the epoch", 2, LineChart.Style.DOTS, perEpoch(History.Epoch::trainLoss))
            .add("validation", 1, LineChart.Style.LINE_AND_DOTS, perEpoch(History.Epoch::valLoss));
    writeUnlessEmpty(chart);
  }

  private void scores() {
    LineChart chart = new LineChart("Validation scores", EPOCHS, "").fromZero();
    for (int c = 1; c < Math.min(classNames.size(), MAX_CLASSES + 1); c++) {
      String name = "iou_" + c;
      chart.add(
          "IoU " + classNames.get(c),
          c - 1,
          LineChart.Style.LINE_AND_DOTS,
          perEpoch(e -> e.score(name)));
    }
    if (classNames.size() == 2) {
      chart.add("F1 changed", 2, LineChart.Style.LINE_AND_DOTS, perEpoch(e -> e.score("F1_1")));
    }
    chart.add("mean IoU", 7, LineChart.Style.LINE_AND_DOTS, perEpoch(e -> e.score("miou")));
    writeUnlessEmpty(chart);
  }

  private void rate() {
    List<double[]> steps = new ArrayList<>();
    epochs.forEach(e -> e.points().forEach(p -> steps.add(new double[] {p.at(), p.lr()})));
    writeUnlessEmpty(
        new LineChart("Learning rate", EPOCHS, "")
            .fromZero()
            .add("learning rate", 4, LineChart.Style.LINE, steps));
  }

  private void time() {
    writeUnlessEmpty(
        new LineChart("Seconds per epoch, with validation", EPOCHS, "")
            .fromZero()
            .add("seconds", 6, LineChart.Style.LINE_AND_DOTS, perEpoch(History.Epoch::seconds)));
  }

  private void writeUnlessEmpty(LineChart chart) {
    if (!chart.isEmpty()) {
      chart.write(h);
    }
  }

  private List<double[]> perEpoch(ToDoubleFunction<History.Epoch> value) {
    return complete.stream()
        .map(e -> new double[] {e.epoch() + 1, value.applyAsDouble(e)})
        .toList();
  }

  /** An exponential mean without the pull of its first value. */
  private static List<double[]> smoothed(List<double[]> points) {
    double keep = Math.exp(-1 / Math.max(1, MEMORY * points.size()));
    double sum = 0;
    double weight = 0;
    List<double[]> out = new ArrayList<>();
    for (double[] p : points) {
      sum = keep * sum + p[1];
      weight = keep * weight + 1;
      out.add(new double[] {p[0], sum / weight});
    }
    return out;
  }
}
