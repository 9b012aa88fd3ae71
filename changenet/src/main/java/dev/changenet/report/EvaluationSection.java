package dev.changenet.report;

import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.metrics.ObjectScores;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/** The part of a report that tells how good predictions are. */
final class EvaluationSection {
  /** Up to so many classes the confusion matrix stands beside the scores. */
  private static final int SIDE_BY_SIDE = 3;

  private final Html h;
  private final Evaluation found;
  private final SortedMap<String, Double> scores;
  private final Cells cells;
  private final int classes;

  EvaluationSection(Html h, Evaluation found) {
    this.h = h;
    this.found = found;
    this.cells = new Cells(h, found);
    this.scores = found.matrix().scores();
    this.classes = found.matrix().classes();
  }

  void write() {
    if (classes <= SIDE_BY_SIDE) {
      h.in(
          "div",
          () -> {
            scores();
            matrix();
          },
          "class=columns");
    } else {
      scores();
      matrix();
    }
    new ThresholdSection(h, found).write();
    objects();
    new PairsSection(h, found).write();
  }

  private void scores() {
    Section.of(
        h,
        "scores",
        "Scores by class",
        () -> {
          h.in(
              "table",
              () -> {
                cells.header(
                    "class",
                    "IoU",
                    "F1",
                    "precision",
                    "recall",
                    "pixels of the truth",
                    "predicted");
                for (int c = 0; c < classes; c++) {
                  scoreRow(c);
                }
                h.in(
                    "tr",
                    () -> {
                      h.tag("th", "mean", "scope=row");
                      for (String name : List.of("miou", "mf1", "mprecision", "mrecall")) {
                        cells.number(Text.score(scores.get(name)));
                      }
                      cells.number(Text.count(found.matrix().total()));
                      cells.number("");
                    },
                    "class=sum");
              });
          h.tag(
              "p",
              "Pixel accuracy "
                  + Text.score(scores.get("acc"))
                  + ", mean loss "
                  + Text.number(found.loss())
                  + ". A class that occurs in neither truth nor prediction scores 0.",
              "class=note");
        });
  }

  private void scoreRow(int c) {
    ConfusionMatrix m = found.matrix();
    long truth = 0;
    long predicted = 0;
    for (int k = 0; k < classes; k++) {
      truth += m.count(c, k);
      predicted += m.count(k, c);
    }
    long row = truth;
    long column = predicted;
    h.in(
        "tr",
        () -> {
          cells.className(c);
          for (String name : List.of("iou_", "F1_", "precision_", "recall_")) {
            cells.number(Text.score(scores.get(name + c)));
          }
          cells.number(Text.count(row));
          cells.number(Text.count(column));
        });
  }

  private void matrix() {
    ConfusionMatrix m = found.matrix();
    Section.of(
        h,
        "confusion",
        "Confusion matrix",
        () -> {
          h.in(
              "div",
              () ->
                  h.in(
                      "table",
                      () -> {
                        h.in(
                            "tr",
                            () -> {
                              h.tag("th", "truth ↓ predicted →", "class=corner");
                              found.classNames().forEach(n -> h.tag("th", n, "scope=col"));
                            });
                        for (int t = 0; t < classes; t++) {
                          matrixRow(m, t);
                        }
                      },
                      "class=matrix"),
              "class=wide");
          h.tag(
              "p",
              "Share of the true class's pixels, below it their number. Each row adds up to 100 %.",
              "class=note");
        });
  }

  private void matrixRow(ConfusionMatrix m, int t) {
    long sum = 0;
    for (int p = 0; p < classes; p++) {
      sum += m.count(t, p);
    }
    double row = sum;
    h.in(
        "tr",
        () -> {
          cells.className(t);
          for (int p = 0; p < classes; p++) {
            double share = row == 0 ? 0 : m.count(t, p) / row;
            long count = m.count(t, p);
            h.in(
                "td",
                () -> {
                  h.tag("b", row == 0 ? "–" : Text.percent(share));
                  h.tag("small", Text.count(count));
                },
                "class=" + (share > 0.55 ? "heat strong" : "heat"),
                String.format(Locale.ROOT, "style=--share:%.1f%%", 100 * share));
          }
        });
  }

  private void objects() {
    Section.of(
        h,
        "objects",
        "Objects",
        () -> {
          h.in(
              "table",
              () -> {
                cells.header(
                    "size",
                    "true",
                    "found",
                    "recall",
                    "predicted",
                    "right",
                    "precision",
                    "recall at IoU ½",
                    "precision at IoU ½");
                objectRow("small, below 32²", found.objects().of(ObjectScores.Size.SMALL));
                objectRow("medium, below 96²", found.objects().of(ObjectScores.Size.MEDIUM));
                objectRow("large", found.objects().of(ObjectScores.Size.LARGE));
                objectRow("all", found.objects().all());
              });
          h.tag(
              "p",
              "An object is a connected area of change; sizes are in pixels of the "
                  + found.imgSize()
                  + "×"
                  + found.imgSize()
                  + " images that the network sees. Found: at least half of its pixels are"
                  + " predicted as change. Right: at least half of its pixels are truly changed."
                  + " At IoU ½: one true and one predicted object share at least half of their"
                  + " union.",
              "class=note");
        });
  }

  private void objectRow(String name, ObjectScores.Counts c) {
    h.in(
        "tr",
        () -> {
          h.tag("th", name, "scope=row");
          cells.number(Text.count(c.truths()));
          cells.number(Text.count(c.found(false)));
          cells.number(Text.percent(c.recall(false)));
          cells.number(Text.count(c.predictions()));
          cells.number(Text.count(c.right(false)));
          cells.number(Text.percent(c.precision(false)));
          cells.number(Text.percent(c.recall(true)));
          cells.number(Text.percent(c.precision(true)));
        },
        name.equals("all") ? "class=sum" : "class=row");
  }
}
