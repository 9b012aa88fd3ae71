package dev.changenet.config;

import java.util.List;

/** Checks of {@code train.best}, {@code train.accumulate} and the losses. */
final class LearningChecks {
  private static final String BATCH_SIZE = "dataset.segment.batch_size";
  private static final String IMG_SIZE = "dataset.segment.img_size";
  private static final String TYPE = "model.backbone.type";
  private static final String CLASSES = "dataset.segment.num_classes";

  private final SpecReading reading;

  LearningChecks(SpecReading reading) {
    this.reading = reading;
  }

  private void unusable(String key, String text) {
    reading.unusable(FailureKind.PARAMETER, key, text);
  }

  void train() {
    monitor();
    needsBest("train.best.patience");
    needsBest("train.best.keep_last");
    accumulate();
  }

  private void monitor() {
    String key = "train.optim.monitor_name";
    if (!reading.readable("train.best.enabled", key, CLASSES)
        || !reading.flag("train.best.enabled")) {
      return;
    }
    int classes = reading.integer(CLASSES);
    String name = reading.text(key);
    if (!Monitor.names(classes).contains(name)) {
      unusable(
          key,
          "train.best needs one of %s; got %s"
              .formatted(Monitor.list(classes), Values.describe(name)));
    }
  }

  private void needsBest(String key) {
    if (reading.readable("train.best.enabled", key)
        && !reading.flag("train.best.enabled")
        && reading.value(key) instanceof Long n
        && n > 0) {
      unusable(key, n + " needs train.best.enabled: true");
    }
  }

  private void accumulate() {
    String key = "train.accumulate";
    if (!reading.readable(key)) {
      return;
    }
    Object value = reading.value(key);
    if (value instanceof String word && word.equals("auto")) {
      return;
    }
    if (!(value instanceof Long n) || n < 1) {
      reading.range(
          key, "must be a whole number from 1 on, or auto, got " + Values.describe(value));
      return;
    }
    if (!reading.readable(BATCH_SIZE)) {
      return;
    }
    int batch = reading.integer(BATCH_SIZE);
    if (n > batch) {
      unusable(key, "must be at most %s (%d), got %d".formatted(BATCH_SIZE, batch, n));
    } else if (n > 1 && batch / n == 1 && hasSingleValues()) {
      unusable(
          key,
          ("must be at most %d for %s %d and %s %d, so that no part has a single pair: batch norm"
                  + " has no variance over a single value; got %d")
              .formatted(batch / 2, IMG_SIZE, reading.integer(IMG_SIZE), BATCH_SIZE, batch, n));
    }
  }

  /** True when the smallest map of one pair has a single pixel. */
  private boolean hasSingleValues() {
    return reading.readable(IMG_SIZE, TYPE)
        && reading.integer(IMG_SIZE) == BackboneType.of(reading.text(TYPE)).divisor();
  }

  void loss() {
    String key = "train.segment.class_weights";
    if (!reading.readable(key, "train.segment.loss", CLASSES) || reading.value(key) == null) {
      return;
    }
    List<Double> weights = reading.numbers(key);
    int classes = reading.integer(CLASSES);
    String loss = reading.text("train.segment.loss");
    if (List.of("mmiou", "dice").contains(loss)) {
      unusable(
          key,
          "train.segment.loss "
              + loss
              + " has no class weights; remove them or use ce, focal, ce_dice or focal_dice");
    } else if (weights.size() != classes) {
      unusable(
          key,
          "must have one weight for each of the %d classes of %s, got %d"
              .formatted(classes, CLASSES, weights.size()));
    } else if (weights.stream().noneMatch(w -> w > 0)
        || weights.stream().anyMatch(w -> !Double.isFinite(w))) {
      reading.range(key, "needs finite weights, at least one above 0, got " + weights);
    }
  }
}
