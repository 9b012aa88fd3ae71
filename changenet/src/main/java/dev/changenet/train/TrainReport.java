package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.data.Batch;
import dev.changenet.report.Evaluation;
import dev.changenet.report.Fingerprint;
import dev.changenet.report.History;
import dev.changenet.report.RunFacts;
import dev.changenet.report.StoredFile;
import dev.changenet.report.TrainingReport;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the report of a training: after an epoch when that costs little, and when the run ends. A
 * report that cannot be written is a warning; the training goes on.
 */
final class TrainReport implements TrainObserver {
  /** A page is renewed when the training has taken so many times as long as writing it did. */
  private static final double PAUSE = 30;

  private final RunContext context;
  private final ExperimentSpec spec;
  private final ZonedDateTime began = ZonedDateTime.now();
  private Setup setup;
  private History history;
  private List<Fingerprint> data = List.of();
  private List<History.Point> points = new ArrayList<>();
  private double earlierSeconds;
  private double stepSeconds;

  /** What a validation has found so far. */
  private Evaluation validation;

  /** What the last validation found whose epoch is in the history. */
  private Optional<Evaluation> validated = Optional.empty();

  private int validationEpoch = -1;
  private boolean trained;
  private boolean finished;
  private boolean broken;
  private double writeSeconds;
  private double written;

  TrainReport(RunContext context) {
    this.context = context;
    this.spec = context.spec();
  }

  @Override
  public boolean wantsProbabilities() {
    return true;
  }

  @Override
  public void started(Setup setup) {
    this.setup = setup;
    if (setup.firstEpoch() >= spec.train().numEpochs()) {
      return; // Nothing to train: the page that tells of the training is there already.
    }
    attempt(
        () -> {
          history = History.open(spec.resultsDir(), setup.firstEpoch(), setup.globalStep());
          if (history.begun() != null) {
            points.addAll(history.begun().points());
            earlierSeconds = history.begun().seconds();
          }
          data = List.of(Fingerprint.of(setup.training()), Fingerprint.of(setup.validation()));
        });
    written = now();
  }

  @Override
  public void step(Step step) {
    trained = true;
    stepSeconds += step.seconds();
    // Where in its epoch the step lies; after a resume with other data only nearly.
    long inEpoch = (step.globalStep() - 1) % setup.stepsPerEpoch();
    double at = step.epoch() + (inEpoch + 0.5) / setup.stepsPerEpoch();
    points.add(new History.Point(at, step.globalStep(), step.losses().total(), step.lr()));
  }

  @Override
  public void validated(int epoch, Batch batch, Predictor.Prediction prediction) {
    if (epoch != validationEpoch) {
      validationEpoch = epoch;
      validation = new Evaluation(spec.segmentData().classNames(), context.pictures());
    }
    validation.add(batch, prediction.classIds(), prediction.probabilities(), prediction.loss());
  }

  @Override
  public void epoch(Epoch epoch) {
    // A resumed run may have had no step left to take, only the validation.
    trained = true;
    attempt(
        () ->
            history.add(
                new History.Epoch(
                    epoch.epoch(),
                    true,
                    epoch.globalStep(),
                    epoch.trainLoss(),
                    epoch.seconds() + earlierSeconds,
                    epoch.validation().map(Validation.Result::loss).orElse(Double.NaN),
                    epoch.validation().map(Validation.Result::scores).orElse(Map.of()),
                    points)));
    if (epoch.validation().isPresent()) {
      validated = Optional.of(validation);
    }
    points = new ArrayList<>();
    earlierSeconds = 0;
    stepSeconds = 0;
    if (now() - written >= PAUSE * writeSeconds) {
      write(TrainingReport.State.RUNNING);
    }
  }

  @Override
  public void finished() {
    finished = true;
  }

  @Override
  public void close() {
    if (!trained) {
      return;
    }
    if (!points.isEmpty()) {
      attempt(
          () ->
              history.add(
                  new History.Epoch(
                      (int) Math.floor(points.getLast().at()),
                      false,
                      points.getLast().step(),
                      Double.NaN,
                      stepSeconds + earlierSeconds,
                      Double.NaN,
                      Map.of(),
                      points)));
    }
    write(
        finished
            ? TrainingReport.State.DONE
            : context.interruption().isRequested()
                ? TrainingReport.State.STOPPED
                : TrainingReport.State.FAILED);
    if (!broken) {
      context.reporter().info("Report: " + spec.resultsDir().resolve(TrainingReport.FILE));
    }
  }

  private void write(TrainingReport.State state) {
    double begin = now();
    attempt(
        () -> {
          double seconds = history.epochs().stream().mapToDouble(History.Epoch::seconds).sum();
          RunFacts facts =
              new RunFacts(
                  spec,
                  context.deviceName(),
                  began,
                  seconds,
                  data,
                  files(state != TrainingReport.State.RUNNING));
          TrainingReport.write(facts, history, validated, state);
        });
    written = now();
    writeSeconds = written - begin;
  }

  /** The files of the run; hashes take time and wait for its end. */
  private List<StoredFile> files(boolean hashed) {
    List<StoredFile> files = new ArrayList<>();
    files.add(StoredFile.of("spec", spec.specFile(), true));
    Path folder = spec.resultsDir();
    files.add(StoredFile.of("spec as used", folder.resolve(ExperimentSpec.FILE), true));
    spec.train()
        .pretrainedModelPath()
        .ifPresent(p -> files.add(StoredFile.of("start weights", p, hashed)));
    spec.model()
        .backbone()
        .pretrainedBackbonePath()
        .ifPresent(p -> files.add(StoredFile.of("encoder weights", p, hashed)));
    Path latest = latest(folder);
    for (Path checkpoint : checkpoints(folder)) {
      boolean newest = checkpoint.getFileName().equals(latest);
      files.add(
          StoredFile.of(newest ? "latest checkpoint" : "checkpoint", checkpoint, hashed && newest));
    }
    return files;
  }

  private static Path latest(Path folder) {
    return LatestCheckpoint.find(folder).map(Path::getFileName).orElse(null);
  }

  private static List<Path> checkpoints(Path folder) {
    try {
      return FolderEntries.matching(folder, "*.pth").stream()
          .filter(entry -> !Files.isSymbolicLink(entry))
          .toList();
    } catch (IOException e) {
      throw new ChangeNetException(folder + ": cannot be listed (" + IoProblem.of(e) + ")", e);
    }
  }

  /** Does a part of the reporting; the first failure is told and ends all further parts. */
  private void attempt(Runnable part) {
    if (broken) {
      return;
    }
    try {
      part.run();
    } catch (ChangeNetException e) {
      broken = true;
      context.reporter().warn("no report is written from here on: " + Failure.userMessage(e));
    }
  }

  private static double now() {
    return System.nanoTime() * 1e-9;
  }
}
