package dev.changenet.report;

import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Report of the task {@code train}, also of one that is under way or was stopped. */
public final class TrainingReport {
  /** Name of the page in the results folder. */
  public static final String FILE = Page.FILE;

  /** How far a training has come. */
  public enum State {
    RUNNING("in progress", "warn"),
    STOPPED("interrupted", "warn"),
    FAILED("failed", "bad"),
    DONE("completed", "good");

    private final String words;
    private final String mood;

    State(String words, String mood) {
      this.words = words;
      this.mood = mood;
    }
  }

  /** The part about predictions stands between these, so that a later page can take it over. */
  private static final String BEGIN = "<!-- validation -->\n";

  private static final String END = "<!-- /validation -->\n";

  private final RunFacts facts;
  private final History history;
  private final State state;
  private final int wanted;

  private TrainingReport(RunFacts facts, History history, State state) {
    this.facts = facts;
    this.history = history;
    this.state = state;
    this.wanted = facts.spec().train().numEpochs();
  }

  /**
   * Writes {@code report.html} into the results folder.
   *
   * @param validated what the last validation found; empty where this process made none, then the
   *     part of an earlier page stays if the history has its epoch
   * @throws DataException if a file cannot be read or written
   */
  public static void write(
      RunFacts facts, History history, Optional<Evaluation> validated, State state) {
    new TrainingReport(facts, history, state).write(validated);
  }

  private void write(Optional<Evaluation> validated) {
    Path folder = facts.spec().resultsDir();
    Html body = new Html();
    if (!history.epochs().isEmpty()) {
      new CurvesSection(body, history, facts.spec().segmentData().classNames()).write();
    }
    if (validated.isPresent()) {
      body.raw(BEGIN);
      Section.of(
          body,
          "validation",
          "Last validation",
          () -> {
            body.tag("p", validationLead(validated.get()), "class=plain");
          });
      new EvaluationSection(body, validated.get()).write();
      body.raw(END);
    } else if (!validatedEpochs().isEmpty()) {
      body.raw(earlier(folder.resolve(Page.FILE)));
    }
    new RunSections(body, facts).write();
    Page page =
        new Page(
                "Training of " + facts.spec().model().backbone().type().key(),
                "ChangeNet report, begun " + EvaluationReport.TIME.format(facts.began()),
                lead())
            .state(state.words, state.mood);
    cards(page);
    page.write(folder, body);
  }

  private String validationLead(Evaluation found) {
    return "A"
        + after(validatedEpochs().getLast()).substring(1)
        + ", on the "
        + Text.count(found.pairs().size())
        + " pairs of split "
        + facts.spec().segmentData().validationSplit()
        + ". "
        + EvaluationReport.inWords(found);
  }

  private static String after(History.Epoch epoch) {
    int done = epoch.epochsDone();
    return "after " + done + (done == 1 ? " epoch" : " epochs");
  }

  private List<History.Epoch> validatedEpochs() {
    return complete().stream().filter(e -> !e.scores().isEmpty()).toList();
  }

  private List<History.Epoch> complete() {
    return history.epochs().stream().filter(History.Epoch::complete).toList();
  }

  private String lead() {
    List<History.Epoch> epochs = history.epochs();
    long steps = epochs.isEmpty() ? 0 : epochs.getLast().step();
    return complete().size()
        + " of "
        + wanted
        + " epochs, "
        + Text.count(steps)
        + " steps in "
        + Text.duration(facts.seconds())
        + ", "
        + facts.device()
        + "."
        + switch (state) {
          case RUNNING ->
              " This page shows what was done when it was written; it is renewed while the training goes on.";
          case STOPPED -> " The same command goes on from the latest checkpoint.";
          case FAILED -> " The last line of status.json says why.";
          case DONE -> "";
        };
  }

  private void cards(Page page) {
    boolean two = facts.spec().segmentData().numClasses() == 2;
    String score = two ? "iou_1" : "miou";
    String name =
        two ? "IoU of “" + facts.spec().segmentData().classNames().get(1) + "”" : "mean IoU";
    List<History.Epoch> scored =
        complete().stream().filter(e -> Double.isFinite(e.score(score))).toList();
    scored.stream()
        .max(Comparator.comparingDouble(e -> e.score(score)))
        .ifPresent(e -> page.card("best " + name, Text.score(e.score(score)), after(e)));
    if (!scored.isEmpty()) {
      History.Epoch last = scored.getLast();
      String detail = after(last);
      page.card("last " + name, Text.score(last.score(score)), detail);
      page.card(
          two ? "last mean IoU" : "last mean F1",
          Text.score(last.score(two ? "miou" : "mf1")),
          detail);
      page.card("validation loss", Text.score(last.valLoss()), detail);
    }
    if (!complete().isEmpty()) {
      page.card(
          "training loss", Text.score(complete().getLast().trainLoss()), "mean of the last epoch");
    }
    if (!facts.data().isEmpty()) {
      Fingerprint training = facts.data().getFirst();
      page.card(
          "training pairs",
          Text.count(training.pairs()),
          String.format(Locale.ROOT, "batches of %d", facts.spec().segmentData().batchSize()));
    }
  }

  /** Returns the part about predictions of an earlier page, or nothing. */
  private static String earlier(Path page) {
    if (!Files.exists(page)) {
      return "";
    }
    try {
      String html = Files.readString(page, StandardCharsets.UTF_8);
      int begin = html.indexOf(BEGIN);
      int end = html.indexOf(END, Math.max(0, begin));
      return begin < 0 || end < 0 ? "" : html.substring(begin, end + END.length());
    } catch (IOException e) {
      throw new DataException(page + ": cannot be read (" + IoProblem.of(e) + "); delete it", e);
    }
  }
}
