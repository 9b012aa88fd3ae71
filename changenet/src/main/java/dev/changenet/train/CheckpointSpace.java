package dev.changenet.train;

import dev.changenet.config.TrainSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Room on the disk for the checkpoints of a training, which a full disk would end hours later.
 *
 * @param each bytes of one checkpoint, about
 * @param count checkpoints that will lie side by side
 */
record CheckpointSpace(long each, long count) {
  /**
   * @param epoch first epoch that is left
   * @param steps steps of an epoch
   */
  static CheckpointSpace of(
      TrainSpec train, ChangeNet net, Optimizer optimizer, int epoch, int steps) {
    long weights = 0;
    for (Tensor t : net.stateDict().values()) {
      weights += t.elements() * t.dtype().bytes();
    }
    long trained = 0;
    for (Parameter p : net.parameters()) {
      trained += p.requiresGrad() ? p.shape().elements() : 0;
    }
    long state = trained * optimizer.slots().size() * DType.FLOAT32.bytes();
    long average = train.ema().enabled() ? weights : 0;
    return new CheckpointSpace(weights + state + average, count(train, epoch, steps));
  }

  /** Checkpoints that the epochs from {@code epoch} on leave. */
  static long count(TrainSpec train, int epoch, int steps) {
    int epochs = train.numEpochs() - epoch;
    long passed = train.checkpointIntervalUnit().equals("step") ? (long) epochs * steps : epochs;
    // The last epoch is always saved.
    long saved = (passed + train.checkpointInterval() - 1) / train.checkpointInterval();
    int kept = train.best().keepLast();
    // The best epoch's stays besides the newest ones, and the best model has a file of its own.
    long lasting = kept > 0 ? Math.min(saved, kept + 1L) : saved;
    return lasting + (train.best().enabled() ? 1 : 0);
  }

  /** Returns what to say where the folder's disk has less room, or nothing. */
  Optional<String> warning(Path folder) {
    try {
      return warning(folder, Files.getFileStore(folder).getUsableSpace());
    } catch (IOException e) {
      // Some file systems don't tell; writing will.
      return Optional.empty();
    }
  }

  Optional<String> warning(Path folder, long free) {
    // Each is written under another name before it takes the place of an older one.
    long needed = (count + 1) * each;
    if (free >= needed) {
      return Optional.empty();
    }
    return Optional.of(
        "results_dir: "
            + folder
            + " has "
            + size(free)
            + " free, and the training needs about "
            + size(needed)
            + " for checkpoints ("
            + count
            + " of "
            + size(each)
            + ", and one while it is written); make room, raise train.checkpoint_interval, or keep"
            + " fewer with train.best.enabled=true train.best.keep_last=1");
  }

  private static String size(long bytes) {
    double mib = bytes / 0x1p20;
    return mib < 1024
        ? String.format(Locale.ROOT, "%.0f MiB", mib)
        : String.format(Locale.ROOT, "%.1f GiB", mib / 1024);
  }
}
