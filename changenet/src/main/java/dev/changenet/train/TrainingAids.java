package dev.changenet.train;

import dev.changenet.config.Monitor;
import dev.changenet.config.TrainSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.LossScale;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a training may use besides TAO's own: clipping of gradients, an average of the weights, the
 * best model and the early stop. Each is absent unless the spec asks for it.
 */
final class TrainingAids implements AutoCloseable {
  private final Path folder;
  private final Reporter reporter;
  private final TrainSpec.Best settings;
  private final ChangeNet net;
  private final Optimizer optimizer;
  private final Map<String, ?> otherEntries;
  private final LossScale scale;
  private final GradientClip clip;
  private final WeightAverage average;
  private final BestModel best;
  private Optional<Path> resumed = Optional.empty();

  /**
   * Averages start from the weights that {@code net} has now.
   *
   * @param otherEntries further entries of the checkpoints
   */
  TrainingAids(
      RunContext context, ChangeNet net, Optimizer optimizer, Map<String, ?> otherEntries) {
    this.otherEntries = otherEntries;
    TrainSpec train = context.spec().train();
    this.folder = context.spec().resultsDir();
    this.reporter = context.reporter();
    this.settings = train.best();
    this.net = net;
    this.optimizer = optimizer;
    this.scale = scale(train);
    this.clip = clip(train, net);
    this.average = average(train, net);
    this.best =
        settings.enabled()
            ? new BestModel(new Monitor(train.optim().monitorName()), settings.patience())
            : null;
  }

  /** The loss scaling of {@code train}, or null. */
  static LossScale scale(TrainSpec train) {
    return RunContext.activations(train) == DType.FLOAT16 ? new LossScale() : null;
  }

  /** The clipping of {@code train}, or null; there is one, too, where the loss is scaled. */
  static GradientClip clip(TrainSpec train, ChangeNet net) {
    boolean limited = train.clipGradNorm() > 0;
    return limited || scale(train) != null
        ? new GradientClip(limited ? train.clipGradNorm() : Double.POSITIVE_INFINITY, net.device())
        : null;
  }

  /** The average of {@code train}, or null. */
  static WeightAverage average(TrainSpec train, ChangeNet net) {
    return train.ema().enabled() ? new WeightAverage(net, train.ema().decay()) : null;
  }

  /** What happens to the gradients of a step, with a look at them where {@code look} isn't null. */
  TrainStep.Between between(Runnable look) {
    return new TrainStep.Between(look, clip, scale);
  }

  /** A step was taken, whose number counts from 1. */
  void stepTaken(long step, boolean updated) {
    if (!updated) {
      reporter.info(
          "Step " + step + ": gradients beyond float16, no update; the loss scale is now " + scale);
      scale.requireUsable();
    } else if (average != null) {
      average.update();
    }
  }

  /** Calls {@code validation} with the weights that the best model would have. */
  <R> R validating(Supplier<R> validation) {
    return average == null ? validation.get() : average.during(validation);
  }

  /** Takes in a complete epoch; the best so far is saved. */
  void epoch(TrainObserver.Epoch done, Checkpoint.Progress position) {
    if (best != null && done.validation().isPresent() && best.judge(done)) {
      Path file = folder.resolve(BestModel.FILE);
      validating(
          () -> {
            Checkpoint.write(file, net, optimizer, position, state(false));
            return null;
          });
      reporter.info("Saved " + file + " (" + best.describe() + ")");
    }
  }

  /** True when training should end, for want of improvement. */
  boolean exhausted() {
    return best != null && best.exhausted();
  }

  /** Why training ends. */
  String farewell() {
    return best.farewell();
  }

  /** Entries of a checkpoint that TAO's don't have. */
  Map<String, Object> state() {
    return state(true);
  }

  /**
   * @param averages false where the network's weights are the averages
   */
  private Map<String, Object> state(boolean averages) {
    Map<String, Object> own = new LinkedHashMap<>();
    if (best != null) {
      own.put("best", best.state());
    }
    if (average != null) {
      Map<String, Object> ema = new LinkedHashMap<>();
      ema.put("updates", average.updates());
      if (averages) {
        OrderedDict weights = new OrderedDict();
        average.forEach((name, t) -> weights.put("model." + name, Checkpoint.stored(t)));
        ema.put("state_dict", weights);
      }
      own.put("ema", ema);
    }
    Map<String, Object> entries = new LinkedHashMap<>();
    if (!own.isEmpty()) {
      entries.put(Checkpoint.OWN, own);
    }
    if (scale != null) {
      entries.put(Checkpoint.LOSS_SCALE, scale.state());
    }
    entries.putAll(otherEntries);
    return entries;
  }

  /** Goes on from a checkpoint whose weights {@code net} already has. */
  void restore(WeightsFile weights, Path file) {
    resumed = Optional.of(file);
    if (scale != null) {
      restoreScale(weights, file);
    }
    if (average != null) {
      restoreAverage(weights, file);
    }
    if (best != null && weights.has(Checkpoint.OWN, "best")) {
      String stored = best.restore(weights);
      if (!stored.equals(best.monitor())) {
        reporter.warn(
            "train.optim.monitor_name: the checkpoint went by "
                + stored
                + "; the best model is chosen anew by "
                + best.monitor());
      } else if (best.epoch() != BestModel.NONE && !Files.exists(folder.resolve(BestModel.FILE))) {
        reporter.warn(
            folder.resolve(BestModel.FILE)
                + " ("
                + best.describe()
                + ") does not exist any more; only a better model will be saved");
      }
    }
  }

  private void restoreScale(WeightsFile weights, Path file) {
    if (!weights.has(Checkpoint.LOSS_SCALE)) {
      reporter.info("The checkpoint has no loss scale: it starts at " + scale);
      return;
    }
    try {
      scale.restore(weights.map(Checkpoint.LOSS_SCALE));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          file, "its entry '" + Checkpoint.LOSS_SCALE + "' is unusable: " + e.getMessage());
    }
  }

  private void restoreAverage(WeightsFile weights, Path file) {
    average.restart();
    if (weights.has(Checkpoint.OWN, "ema", "state_dict")) {
      average.restore(
          weights.integer(Checkpoint.OWN, "ema", "updates"),
          weights.tensors(Checkpoint.OWN, "ema", "state_dict"),
          file);
    } else {
      reporter.info("The checkpoint has no averaged weights: the average starts from its weights");
    }
  }

  /** Removes old checkpoints, now that {@code saved} is written. */
  void prune(Path saved) {
    if (settings.keepLast() > 0) {
      List<Path> spared = new ArrayList<>(resumed.stream().toList());
      spared.add(LatestCheckpoint.target(folder.resolve(Checkpoint.LATEST)));
      if (best != null && best.epoch() != BestModel.NONE) {
        spared.add(folder.resolve(Checkpoint.epochName(best.epoch())));
      }
      KeptCheckpoints.prune(saved, settings.keepLast(), spared);
    }
  }

  @Override
  public void close() {
    if (clip != null) {
      clip.close();
    }
    if (average != null) {
      average.close();
    }
  }
}
