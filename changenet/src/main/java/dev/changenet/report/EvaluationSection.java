package dev.changenet.report;

import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.metrics.ObjectScores;
import dev.changenet.metrics.PairScore;
import dev.changenet.metrics.ThresholdCurve;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/** The part of a report that tells how good predictions are. */
final class EvaluationSection {
  /** Rows of the table of all pairs; metrics.json has them all. */
  private static final int MAX_ROWS = 1000;

  /** Up to so many classes the confusion matrix stands beside the scores. */
  private static final int SIDE_BY_SIDE = 3;

  /** A name of so many characters stays on one line. */
  private static final int SHORT_NAME = 20;

  private final Html h;
  private final Evaluation found;
  private final SortedMap<String, Double> scores;
  private final int classes;

  EvaluationSection(Html h, Evaluation found) {
    this.h = h;
    this.found = found;
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
    thresholds();
    objects();
    pictures();
    table();
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
                header(
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
                        number(Text.score(scores.get(name)));
                      }
                      number(Text.count(found.matrix().total()));
                      number("");
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
          className(c);
          for (String name : List.of("iou_", "F1_", "precision_", "recall_")) {
            number(Text.score(scores.get(name + c)));
          }
          number(Text.count(row));
          number(Text.count(column));
        });
  }

  private void className(int c) {
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
          className(t);
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

  private void thresholds() {
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
          header("class", "average precision", "best threshold", "F1 there", "F1 as predicted");
          for (int c = 0; c < classes; c++) {
            int id = c;
            h.in(
                "tr",
                () -> {
                  className(id);
                  thresholdCells(found.curve(id), scores.get("F1_" + id));
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
    number(known ? Text.score(curve.averagePrecision()) : "–");
    number(known ? Text.number(best.threshold()) : "–");
    number(known ? Text.score(best.f1()) : "–");
    number(known ? Text.score(f1) : "–");
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

  private void objects() {
    Section.of(
        h,
        "objects",
        "Objects",
        () -> {
          h.in(
              "table",
              () -> {
                header(
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
          number(Text.count(c.truths()));
          number(Text.count(c.found(false)));
          number(Text.percent(c.recall(false)));
          number(Text.count(c.predictions()));
          number(Text.count(c.right(false)));
          number(Text.percent(c.precision(false)));
          number(Text.percent(c.recall(true)));
          number(Text.percent(c.precision(true)));
        },
        name.equals("all") ? "class=sum" : "class=row");
  }

  private void pictures() {
    Section.of(
        h,
        "pictures",
        "Worst and best pairs",
        () -> {
          legend();
          gallery("Worst by IoU", found.worst());
          gallery("Best by IoU", found.best());
          if (found.worst().isEmpty()) {
            h.tag("p", "No pair has any change, in truth or prediction.");
          }
        });
  }

  private void legend() {
    h.in(
        "p",
        () -> {
          h.tag("b", "Errors");
          for (PairImages.Outcome o : PairImages.Outcome.values()) {
            if (classes > 2 || o != PairImages.Outcome.OTHER_CLASS) {
              swatch(PairImages.ERROR_COLORS[o.ordinal()], o.words());
            }
          }
        },
        "class=colors");
    h.in(
        "p",
        () -> {
          h.tag("b", "Truth, prediction");
          for (int c = 0; c < classes; c++) {
            swatch(found.color(c), found.classNames().get(c));
          }
        },
        "class=colors");
  }

  private void swatch(int[] rgb, String words) {
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

  private void gallery(String title, List<Evaluation.Ranked> pairs) {
    if (pairs.isEmpty()) {
      return;
    }
    h.tag("h3", title);
    for (Evaluation.Ranked pair : pairs) {
      PairScore s = pair.score();
      h.in(
              "div",
              () -> {
                h.in(
                    "div",
                    () -> {
                      h.tag("b", s.name());
                      h.in("span", () -> h.text("IoU ").tag("b", Text.score(s.iou())));
                      h.tag("span", "F1 " + Text.score(s.f1()));
                      h.tag(
                          "span",
                          "changed: truth "
                              + share(s.truth(), s)
                              + ", predicted "
                              + share(s.predicted(), s));
                      h.tag("span", "wrong " + share(s.wrong(), s));
                    },
                    "class=about");
                h.in(
                    "div",
                    () -> {
                      picture(pair.images().a(), "A", s, "");
                      picture(pair.images().b(), "B", s, "");
                      picture(pair.images().truth(), "truth", s, "map");
                      picture(pair.images().prediction(), "prediction", s, "map");
                      picture(pair.images().errors(), "errors", s, "map");
                    },
                    "class=strip");
              },
              "class=pair")
          .line();
    }
  }

  private static String share(long pixels, PairScore s) {
    return Text.percent((double) pixels / s.pixels());
  }

  private void picture(String data, String what, PairScore pair, String style) {
    h.in(
        "figure",
        () -> {
          h.open("img", "class=" + style, "alt=" + what + " of " + pair.name(), "src=" + data);
          h.tag("figcaption", what);
        });
  }

  private void table() {
    List<PairScore> sorted =
        found.pairs().stream()
            .sorted(
                Comparator.comparingDouble((PairScore p) -> Double.isNaN(p.iou()) ? 2 : p.iou())
                    .thenComparing(Comparator.comparingLong(PairScore::wrong).reversed()))
            .toList();
    List<PairScore> shown = sorted.subList(0, Math.min(MAX_ROWS, sorted.size()));
    String title =
        shown.size() == sorted.size()
            ? "All " + sorted.size() + " pairs"
            : "The " + shown.size() + " worst of " + sorted.size() + " pairs";
    Section.folded(
        h,
        "pairs",
        title,
        () -> {
          h.in(
              "table",
              () -> {
                h.in(
                    "thead",
                    () ->
                        header(
                            "pair",
                            "IoU",
                            "F1",
                            "accuracy",
                            "changed, truth",
                            "changed, predicted",
                            "wrong pixels"));
                h.in("tbody", () -> shown.forEach(this::pairRow));
              },
              "class=sortable");
          h.tag(
              "p",
              "The worst first; a click on a heading sorts. IoU and F1 are means over the changed"
                  + " classes that occur in the pair's truth or prediction; a dash where none does.",
              "class=note");
        });
  }

  private void pairRow(PairScore p) {
    h.in(
        "tr",
        () -> {
          h.tag("th", p.name(), "scope=row");
          number(Text.score(p.iou()));
          number(Text.score(p.f1()));
          number(Text.score(p.accuracy()));
          number(share(p.truth(), p));
          number(share(p.predicted(), p));
          number(Text.count(p.wrong()));
        });
    h.line();
  }

  private void header(String... names) {
    h.in("tr", () -> Arrays.stream(names).forEach(n -> h.tag("th", n, "scope=col")));
  }

  private void number(String text) {
    h.tag("td", text, "class=n");
  }
}
