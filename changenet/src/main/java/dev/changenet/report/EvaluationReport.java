package dev.changenet.report;

import dev.changenet.metrics.ObjectScores;
import dev.changenet.metrics.ThresholdCurve;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** Report of the task {@code evaluate}. */
public final class EvaluationReport {
  static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss z", Locale.ROOT);

  private EvaluationReport() {}

  /**
   * Writes {@code report.html} and {@code metrics.json} into the results folder.
   *
   * @throws dev.changenet.image.DataException if a file cannot be read or written
   */
  public static void write(RunFacts facts, Evaluation found) {
    MetricsJson.write(facts, found);
    Html body = new Html();
    new EvaluationSection(body, found).write();
    new RunSections(body, facts).write();
    String split = facts.spec().segmentData().testSplit();
    Page page =
        new Page(
                "Evaluation of split " + split,
                "ChangeNet report, " + TIME.format(facts.began()),
                lead(facts, found))
            .state("completed", "good");
    scoreCards(page, found);
    page.card(
            "pairs",
            Text.count(found.pairs().size()),
            found.imgSize() + "×" + found.imgSize() + " pixels")
        .card(
            "time",
            Text.duration(facts.seconds()),
            String.format(Locale.ROOT, "%.1f pairs/s", found.pairs().size() / facts.seconds()));
    page.write(facts.spec().resultsDir(), body);
  }

  /** The headline numbers: of the changed class, or the means where there are several. */
  static void scoreCards(Page page, Evaluation found) {
    Map<String, Double> s = found.matrix().scores();
    if (found.classNames().size() == 2) {
      String name = found.classNames().get(1);
      page.card("IoU of “" + name + "”", Text.score(s.get("iou_1")), "intersection over union")
          .card("F1 of “" + name + "”", Text.score(s.get("F1_1")), "as predicted")
          .card("precision", Text.score(s.get("precision_1")), "of what is predicted, is right")
          .card("recall", Text.score(s.get("recall_1")), "of what is true, is found")
          .card("mean IoU", Text.score(s.get("miou")), "over both classes");
    } else {
      ThresholdCurve.Point change = found.change().best();
      page.card(
              "mean IoU",
              Text.score(s.get("miou")),
              "over " + found.classNames().size() + " classes")
          .card("mean F1", Text.score(s.get("mf1")), "over all classes")
          .card("accuracy", Text.score(s.get("acc")), "of all pixels")
          .card("F1 of any change", Text.score(change.f1()), "at threshold " + change.threshold());
    }
  }

  private static String lead(RunFacts facts, Evaluation found) {
    return "Checkpoint "
        + facts.spec().evaluate().checkpoint()
        + " on "
        + Text.count(found.pairs().size())
        + " pairs, "
        + facts.device()
        + ". "
        + inWords(found);
  }

  /** What the scores mean for somebody who counts buildings, not IoU. */
  static String inWords(Evaluation found) {
    ObjectScores.Counts all = found.objects().all();
    long alarms = all.predictions() - all.right(false);
    if (found.change().positives() == 0) {
      return "No pixel of the truth is changed, so only false alarms can be judged: "
          + alarms
          + " areas are predicted as change.";
    }
    return "The network finds "
        + Text.count(all.found(false))
        + " of "
        + Text.count(all.truths())
        + " changed objects and raises "
        + Text.count(alarms)
        + (alarms == 1 ? " false alarm." : " false alarms.");
  }
}
