package dev.changenet.train;

import dev.changenet.config.Monitor;
import dev.changenet.nn.state.WeightsFile;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Tells the best epoch by a score, and when there has been none for too long. */
final class BestModel {
  /** The best model of a results directory. */
  static final String FILE = "changenet_model_segment_best.pth";

  /** Epoch before the first score. */
  static final int NONE = -1;

  private final Monitor monitor;
  private final int patience;
  private double value = Double.NaN;
  private int epoch = NONE;
  private int waiting;

  /**
   * @param patience validations without improvement that are one too many, 0 for never
   */
  BestModel(Monitor monitor, int patience) {
    this.monitor = monitor;
    this.patience = patience;
  }

  /** Takes in a validated epoch; returns true if it is the best one so far. */
  boolean judge(TrainObserver.Epoch done) {
    Validation.Result found = done.validation().orElseThrow();
    return judge(done.epoch(), score(found, done.trainLoss()));
  }

  private double score(Validation.Result found, double trainLoss) {
    if (monitor.name().equals("train_loss")) {
      return trainLoss;
    }
    Double overall = found.kpi().get(monitor.name());
    return overall != null ? overall : found.scores().get(monitor.name());
  }

  boolean judge(int epoch, double score) {
    if (Double.isNaN(score) || this.epoch != NONE && !monitor.isBetter(score, value)) {
      waiting++;
      return false;
    }
    value = score;
    this.epoch = epoch;
    waiting = 0;
    return true;
  }

  /** True when the last improvement is {@code patience} validations ago. */
  boolean exhausted() {
    return patience > 0 && waiting >= patience;
  }

  /** Name of the score. */
  String monitor() {
    return monitor.name();
  }

  /** The best epoch, or {@link #NONE}. */
  int epoch() {
    return epoch;
  }

  /** The best score and its epoch, such as {@code val_miou=0.7123, epoch 4}. */
  String describe() {
    return String.format(Locale.ROOT, "%s=%.4f, epoch %d", monitor.name(), value, epoch);
  }

  /** One line on why training ends. */
  String farewell() {
    String none = waiting == 1 ? "the last validation" : "the last " + waiting + " validations";
    return epoch == NONE
        ? "Early stop: " + monitor.name() + " was no number in " + none
        : "Early stop: "
            + monitor.name()
            + " is no better in "
            + none
            + "; best model: "
            + FILE
            + " ("
            + describe()
            + ")";
  }

  Map<String, Object> state() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("monitor", monitor.name());
    state.put("value", value);
    state.put("epoch", (long) epoch);
    state.put("waiting", (long) waiting);
    return state;
  }

  /**
   * Goes on from the state of a checkpoint, unless it is of another score.
   *
   * @return the score that the checkpoint went by
   */
  String restore(WeightsFile weights) {
    String stored = weights.text(Checkpoint.OWN, "best", "monitor");
    if (stored.equals(monitor.name())) {
      value = weights.number(Checkpoint.OWN, "best", "value");
      epoch = Math.toIntExact(weights.integer(Checkpoint.OWN, "best", "epoch"));
      waiting = Math.toIntExact(weights.integer(Checkpoint.OWN, "best", "waiting"));
    }
    return stored;
  }
}
