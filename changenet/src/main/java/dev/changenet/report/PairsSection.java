package dev.changenet.report;

import dev.changenet.metrics.PairScore;
import java.util.Comparator;
import java.util.List;

/** The pairs: the worst and the best as pictures, all as a table. */
final class PairsSection {
  /** Rows of the table of all pairs; metrics.json has them all. */
  private static final int MAX_ROWS = 1000;

  private final Html h;
  private final Evaluation found;
  private final Cells cells;
  private final int classes;

  PairsSection(Html h, Evaluation found) {
    this.h = h;
    this.found = found;
    this.cells = new Cells(h, found);
    this.classes = found.classNames().size();
  }

  void write() {
    pictures();
    table();
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
              cells.swatch(PairImages.ERROR_COLORS[o.ordinal()], o.words());
            }
          }
        },
        "class=colors");
    h.in(
        "p",
        () -> {
          h.tag("b", "Truth, prediction");
          for (int c = 0; c < classes; c++) {
            cells.swatch(found.color(c), found.classNames().get(c));
          }
        },
        "class=colors");
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
                        cells.header(
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
          cells.number(Text.score(p.iou()));
          cells.number(Text.score(p.f1()));
          cells.number(Text.score(p.accuracy()));
          cells.number(share(p.truth(), p));
          cells.number(share(p.predicted(), p));
          cells.number(Text.count(p.wrong()));
        });
    h.line();
  }
}
