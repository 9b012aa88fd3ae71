package dev.changenet.train;

import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Tells the reporter how training goes on: a line that is rewritten, and one for each epoch. */
final class TrainProgress implements TrainObserver {
  /** Steps from which the time left is estimated: the newest, as the first ones are slow. */
  private static final int RECENT = 64;

  private static final int FEWEST = 3;

  /** A forward pass alone, as validation does it, takes about this share of a step. */
  private static final double FORWARD = 1.0 / 3;

  private static final double GIB = 1L << 30;

  private final Reporter reporter;
  private Setup setup;
  private int epochs;
  private double epochBegan;
  private double lastStep;
  private int done;
  private final double[] recent = new double[RECENT];
  private int measured;
  private double validationSeconds = Double.NaN;
  private String lastScore = "";

  TrainProgress(Reporter reporter) {
    this.reporter = reporter;
  }

  @Override
  public void started(Setup begun) {
    setup = begun;
    epochs = begun.context().spec().train().numEpochs();
  }

  @Override
  public void epochStarted(int epoch, int batchesDone) {
    epochBegan = now();
    lastStep = epochBegan;
    done = batchesDone;
  }

  @Override
  public void step(Step step) {
    double now = now();
    recent[measured++ % RECENT] = now - lastStep;
    lastStep = now;
    done++;
    reporter.progress(
        label(step.epoch()), done, setup.stepsPerEpoch(), now - epochBegan, details(step));
  }

  private List<Reporter.Detail> details(Step step) {
    List<Reporter.Detail> details = new ArrayList<>();
    String loss = String.format(Locale.ROOT, "loss=%.4f", step.losses().total());
    details.add(new Reporter.Detail("train_" + loss.replace("=", "_step="), loss));
    if (measured >= FEWEST) {
      String left = clock(secondsLeft(step.epoch()));
      details.add(new Reporter.Detail("run " + left + " left", "run<" + left));
    }
    details.add(Reporter.Detail.of(String.format(Locale.ROOT, "lr=%.2e", step.lr())));
    details.add(Reporter.Detail.of("mem " + memory(MemoryUse.liveBytes(), MemoryUse.peakBytes())));
    if (Backends.of(setup.context().device()) instanceof CudaBackend gpu) {
      details.add(Reporter.Detail.of("GPU " + memory(gpu.peakBytes(), gpu.totalMemory())));
    }
    if (!lastScore.isEmpty()) {
      details.add(Reporter.Detail.of(lastScore));
    }
    return details;
  }

  /** Time until the last epoch has been validated. */
  private double secondsLeft(int epoch) {
    int count = Math.min(measured, RECENT);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += recent[i];
    }
    double perStep = sum / count;
    int steps = setup.stepsPerEpoch();
    long stepsLeft = steps - done + (long) (epochs - epoch - 1) * steps;
    int interval = setup.context().spec().train().validationInterval();
    int validationsLeft = epochs / interval - epoch / interval;
    double perValidation = validationSeconds;
    if (Double.isNaN(perValidation)) {
      int batch = setup.context().spec().segmentData().batchSize();
      perValidation = perStep * FORWARD * setup.validation().size() / batch;
    }
    return stepsLeft * perStep + validationsLeft * perValidation;
  }

  @Override
  public void epoch(Epoch epoch) {
    Optional<Validation.Result> validated = epoch.validation();
    StringBuilder line = new StringBuilder();
    int steps = setup.stepsPerEpoch();
    append(
        line, "%s: 100%%  %d/%d  %s", label(epoch.epoch()), steps, steps, clock(epoch.seconds()));
    append(line, "  %.2f pairs/s  train_loss=%.4f", epoch.pairsPerSecond(), epoch.trainLoss());
    validated.ifPresent(
        found -> {
          validationSeconds = now() - lastStep;
          found.kpi().entrySet().stream()
              .limit(4)
              .forEach(e -> append(line, "  %s=%.4f", e.getKey(), e.getValue()));
          append(line, "  iou_1=%.4f", found.scores().get("iou_1"));
          lastScore = String.format(Locale.ROOT, "val_miou=%.4f", found.scores().get("miou"));
        });
    reporter.progressDone(line.toString());
  }

  private static void append(StringBuilder line, String format, Object... values) {
    line.append(String.format(Locale.ROOT, format, values));
  }

  private static String label(int epoch) {
    return "Epoch " + epoch;
  }

  /** {@code 0.31/1.24 GiB}, or in MiB when both are small. */
  private static String memory(long part, long whole) {
    return whole < GIB
        ? String.format(Locale.ROOT, "%d/%d MiB", part >> 20, whole >> 20)
        : String.format(Locale.ROOT, "%.1f/%.1f GiB", part / GIB, whole / GIB);
  }

  /** Formats seconds as {@code MM:SS} or {@code H:MM:SS}. */
  private static String clock(double seconds) {
    long s = Math.round(Math.max(0, seconds));
    return s < 3600
        ? String.format(Locale.ROOT, "%02d:%02d", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }

  private static double now() {
    return System.nanoTime() * 1e-9;
  }
}
