package dev.changenet.report;

import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.metrics.ThresholdCurve;
import java.util.ArrayList;
import java.util.List;

/** Precision and recall for every threshold, and the best one of each class. */
final class ThresholdSection {
  private final Html h;
  private final Evaluation found;
  private final Cells cells;
  private final int classes;

  ThresholdSection(Html h, Evaluation found) {
    this.h = h;
    this.found = found;
    this.cells = new Cells(h, found);
    this.classes = found.classNames().size();
  }

  void write() {
    Section.of(
        h,
        "thresholds",
        "Precision, recall and thresholds",
        () ->
            h.in(
                "div",
                () -> {
                  h.in("div", this::curves);
                  h.in("div", this::thresholdTable);
                },
                "class=two"));
  }

  private void curves() {
    LineChart chart =
        new LineChart("Precision and recall", "recall", "precision").ranges(0, 1, 0, 1);
    for (int c = 1; c < classes; c++) {
      addCurve(chart, found.classNames().get(c), c - 1, found.curve(c));
    }
    if (classes > 2) {
      addCurve(chart, "any change", classes - 1, found.change());
    }
    if (chart.isEmpty()) {
      h.tag("p", "No pixel of the truth is changed: there is nothing to find.");
    } else {
      chart.write(h);
    }
  }

  private static void addCurve(LineChart chart, String name, int color, ThresholdCurve curve) {
    if (curve.positives() == 0) {
      return;
    }
    List<double[]> points =
        curve.points().stream()
            .filter(p -> p.recall() > 0)
            .map(p -> new double[] {p.recall(), p.precision()})
            .toList();
    chart.add(name, color, LineChart.Style.LINE, thinned(points));
    ThresholdCurve.Point best = curve.best();
    chart.mark(
        name + ": best F1 " + Text.score(best.f1()) + " at threshold " + best.threshold(),
        best.recall(),
        best.precision());
  }

  /** Leaves out points that lie on the one before as far as an eye can see. */
  private static List<double[]> thinned(List<double[]> points) {
    List<double[]> kept = new ArrayList<>();
    for (double[] p : points) {
      if (kept.isEmpty()
          || Math.hypot(p[0] - kept.getLast()[0], p[1] - kept.getLast()[1]) > 0.004) {
        kept.add(p);
      }
    }
    if (!points.isEmpty() && kept.getLast() != points.getLast()) {
      kept.add(points.getLast());
    }
    return kept;
  }

  private void thresholdTable() {
    h.in(
        "table",
        () -> {
          cells.header(
              "class", "average precision", "best threshold", "F1 there", "F1 as predicted");
          for (int c = 0; c < classes; c++) {
            int id = c;
            h.in(
                "tr",
                () -> {
                  cells.className(id);
                  thresholdCells(found.curve(id), found.matrix().scores().get("F1_" + id));
                });
          }
          if (classes > 2) {
            h.in(
                "tr",
                () -> {
                  h.tag("th", "any change", "scope=row");
                  thresholdCells(found.change(), changeF1());
                });
          }
        });
    h.tag(
        "p",
        "As predicted, a pixel gets the class with the highest probability. A threshold that was"
            + " found on a split looks better on that split than on others: find it on the"
            + " validation split. The ring marks the best F1.",
        "class=note");
  }

  private void thresholdCells(ThresholdCurve curve, double f1) {
    boolean known = curve.positives() > 0;
    ThresholdCurve.Point best = curve.best();
    cells.number(known ? Text.score(curve.averagePrecision()) : "–");
    cells.number(known ? Text.number(best.threshold()) : "–");
    cells.number(known ? Text.score(best.f1()) : "–");
    cells.number(known ? Text.score(f1) : "–");
  }

  /** F1 of change against no change, as predicted. */
  private double changeF1() {
    ConfusionMatrix m = found.matrix();
    long both = 0;
    long either = 0;
    for (int t = 0; t < classes; t++) {
      for (int p = 0; p < classes; p++) {
        both += t > 0 && p > 0 ? m.count(t, p) : 0;
        either += (t > 0 ? m.count(t, p) : 0) + (p > 0 ? m.count(t, p) : 0);
      }
    }
    return either == 0 ? 0 : 2.0 * both / either;
  }
}
