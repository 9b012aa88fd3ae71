package dev.changenet.train;

import dev.changenet.config.TrainSpec;
import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.tensorboard.Event;
import dev.changenet.tensorboard.EventFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes curves, norms and sample pictures for TensorBoard. When a file cannot be written, it warns
 * once and the training goes on without.
 */
final class TrainingCurves implements TrainObserver {
  /** Where TAO puts its event files, in the results directory. */
  static final String FOLDER = "lightning_logs/version_1";

  /** Outputs of the network, coarsest first. */
  private static final List<String> OUTPUTS = List.of("p4", "p3", "p2", "p1", "cp");

  /** Steps between two norms: a norm reads all weights once, which takes a part of a step. */
  private static final int NORM_STEPS = 50;

  private static final int FEWEST_NORM_STEPS = 10;

  /** Points of a curve; in longer trainings not every step is written. */
  private static final int POINTS = 10_000;

  /** Validations with pictures; with more of them not every one is written. */
  private static final int PICTURE_SETS = 50;

  private static final double MIB = 1 << 20;

  private final Path folder;
  private final Reporter reporter;
  private Setup setup;
  private EventFile file;
  private long scalarSteps;
  private long normSteps;
  private int pictureEpochs;
  private Event norms;
  private SamplePictures pictures;
  private long timed;
  private long timedSteps;

  TrainingCurves(Path resultsDir, Reporter reporter) {
    folder = resultsDir.resolve(FOLDER);
    this.reporter = reporter;
  }

  @Override
  public void started(Setup begun) {
    setup = begun;
    TrainSpec train = begun.context().spec().train();
    if (begun.firstEpoch() == train.numEpochs()) {
      return;
    }
    scalarSteps = Math.ceilDiv((long) begun.stepsPerEpoch() * train.numEpochs(), POINTS);
    normSteps = Math.clamp(begun.stepsPerEpoch(), FEWEST_NORM_STEPS, NORM_STEPS);
    int validations = train.numEpochs() / train.validationInterval();
    pictureEpochs =
        train.validationInterval() * Math.max(1, Math.ceilDiv(validations, PICTURE_SETS));
    try {
      file = EventFile.create(folder, begun.globalStep() + 1);
      reporter.info("TensorBoard files: " + folder);
    } catch (IOException e) {
      giveUp(e);
    }
  }

  @Override
  public void epochStarted(int epoch, int batchesDone) {
    pictures = null;
    timed = System.nanoTime();
    timedSteps = 0;
  }

  @Override
  public boolean wantsGradients(long globalStep) {
    return file != null && globalStep % normSteps == 0;
  }

  @Override
  public void gradients(ChangeNet net, long globalStep) {
    norms = new Event(globalStep + 1);
    ModuleNorms.ofGradients(net).forEach((part, n) -> norms.scalar("grad_norm/" + part, n));
    ModuleNorms.ofWeights(net).forEach((part, n) -> norms.scalar("weight_norm/" + part, n));
    norms.scalar("memory/tensors_mib", MemoryUse.liveBytes() / MIB);
    norms.scalar("memory/tensors_peak_mib", MemoryUse.peakBytes() / MIB);
  }

  @Override
  public void step(Step step) {
    if (file == null) {
      return;
    }
    timedSteps++;
    if (norms != null) {
      write(norms);
      norms = null;
    }
    if ((step.globalStep() - 1) % scalarSteps != 0) {
      return;
    }
    Event event = new Event(step.globalStep()).scalar("train_loss_step", step.losses().total());
    List<Double> terms = step.losses().components();
    for (int i = 0; i < terms.size(); i++) {
      String output = OUTPUTS.get(OUTPUTS.size() - terms.size() + i);
      event.scalar("train_loss_output/" + output, terms.get(i));
    }
    event.scalar("lr", step.lr());
    event.scalar("epoch", step.epoch());
    long now = System.nanoTime();
    event.scalar("steps_per_second", timedSteps * 1e9 / Math.max(1, now - timed));
    timed = now;
    timedSteps = 0;
    write(event);
  }

  @Override
  public void validated(int epoch, Batch batch, Predictor.Prediction prediction) {
    boolean last = epoch + setup.context().spec().train().validationInterval() >= epochs();
    if (file == null || ((epoch + 1) % pictureEpochs != 0 && !last)) {
      return;
    }
    if (pictures == null) {
      pictures = new SamplePictures(setup.context().pictures(), setup.validation().size());
    }
    pictures.add(batch, prediction.classIds());
  }

  private int epochs() {
    return setup.context().spec().train().numEpochs();
  }

  @Override
  public void epoch(Epoch epoch) {
    if (file == null) {
      return;
    }
    Event event = new Event(epoch.globalStep()).scalar("train_loss_epoch", epoch.trainLoss());
    epoch.validation().ifPresent(found -> addScores(event, found));
    write(event);
    if (pictures != null) {
      Event shown = new Event(epoch.globalStep());
      pictures.addTo(shown);
      write(shown);
    }
  }

  private void addScores(Event event, Validation.Result found) {
    found.kpi().forEach(event::scalar);
    List<String> names = setup.context().spec().segmentData().classNames();
    Map<String, Double> scores = found.scores();
    for (int c = 0; c < names.size(); c++) {
      event.scalar("val_iou/" + c + "_" + names.get(c), scores.get("iou_" + c));
      event.scalar("val_f1/" + c + "_" + names.get(c), scores.get("F1_" + c));
    }
  }

  private void write(Event event) {
    if (file == null) {
      return;
    }
    try {
      file.write(event);
    } catch (IOException e) {
      giveUp(e);
    }
  }

  private void giveUp(IOException e) {
    reporter.warn(
        folder
            + ": TensorBoard files cannot be written ("
            + IoProblem.of(e)
            + "); training goes on without them, its numbers are in status.json and "
            + MetricsTable.FILE);
    close();
  }

  @Override
  public void close() {
    if (file == null) {
      return;
    }
    EventFile closing = file;
    file = null;
    try {
      closing.close();
    } catch (IOException e) {
      reporter.warn(closing.path() + ": closing failed (" + IoProblem.of(e) + ")");
    }
  }
}
