package dev.changenet.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Section {@code train}.
 *
 * @param seed seed of every generator; negative means do not seed
 * @param cudnn GPU kernel choice
 * @param numEpochs total epochs, also after a resume
 * @param checkpointInterval save every n epochs or optimiser steps
 * @param checkpointIntervalUnit {@code epoch} or {@code step}
 * @param validationInterval validate every n epochs
 * @param resumeTrainingCheckpointPath checkpoint to resume from
 * @param pretrainedModelPath whole-model checkpoint to start from
 * @param precision arithmetic, {@code 32-true} or {@code 32}
 * @param activationCheckpoint compute transformer blocks again in the backward pass
 * @param segment loss
 * @param tensorboard event files
 * @param optim optimiser and schedule
 * @param clipGradNorm largest norm of all gradients, 0 for no limit
 * @param accumulate parts of a batch, 0 for as few as fit into memory
 * @param best what becomes of the best model
 * @param ema running average of the weights
 */
public record TrainSpec(
    long seed,
    Cudnn cudnn,
    int numEpochs,
    int checkpointInterval,
    String checkpointIntervalUnit,
    int validationInterval,
    Optional<Path> resumeTrainingCheckpointPath,
    Optional<Path> pretrainedModelPath,
    String precision,
    boolean activationCheckpoint,
    SegmentLoss segment,
    Tensorboard tensorboard,
    OptimSpec optim,
    double clipGradNorm,
    int accumulate,
    Best best,
    Ema ema) {

  /** Section {@code train.cudnn}. */
  public record Cudnn(boolean benchmark, boolean deterministic) {}

  /**
   * Section {@code train.segment}.
   *
   * @param loss {@code ce}, {@code mmiou}, {@code focal}, {@code dice}, {@code ce_dice} or {@code
   *     focal_dice}
   * @param weights weight of each decoder output, coarsest first
   * @param classWeights weight of each class, or nothing for 1
   * @param focalGamma exponent of focal loss
   */
  public record SegmentLoss(
      String loss, List<Double> weights, List<Double> classWeights, double focalGamma) {
    public SegmentLoss {
      weights = List.copyOf(weights);
      classWeights = List.copyOf(classWeights);
    }
  }

  /**
   * Section {@code train.best}.
   *
   * @param patience validations without improvement before training stops, 0 for never
   * @param keepLast checkpoints that stay, 0 for all
   */
  public record Best(boolean enabled, int patience, int keepLast) {}

  /**
   * Section {@code train.ema}.
   *
   * @param decay share of the old average that stays at each step
   */
  public record Ema(boolean enabled, double decay) {}

  /** Section {@code train.tensorboard}. */
  public record Tensorboard(boolean enabled) {}

  static TrainSpec from(SpecReading reading) {
    return new TrainSpec(
        reading.wide("train.seed"),
        new Cudnn(reading.flag("train.cudnn.benchmark"), reading.flag("train.cudnn.deterministic")),
        reading.integer("train.num_epochs"),
        reading.integer("train.checkpoint_interval"),
        reading.text("train.checkpoint_interval_unit"),
        reading.integer("train.validation_interval"),
        reading.path("train.resume_training_checkpoint_path"),
        reading.path("train.pretrained_model_path"),
        reading.text("train.precision"),
        reading.flag("train.activation_checkpoint"),
        new SegmentLoss(
            reading.text("train.segment.loss"),
            reading.numbers("train.segment.weights"),
            reading.value("train.segment.class_weights") == null
                ? List.of()
                : reading.numbers("train.segment.class_weights"),
            reading.number("train.segment.focal_gamma")),
        new Tensorboard(reading.flag("train.tensorboard.enabled")),
        OptimSpec.from(reading),
        reading.value("train.clip_grad_norm") == null ? 0 : reading.number("train.clip_grad_norm"),
        reading.value("train.accumulate") instanceof Long n ? Math.toIntExact(n) : 0,
        new Best(
            reading.flag("train.best.enabled"),
            count(reading, "train.best.patience"),
            count(reading, "train.best.keep_last")),
        new Ema(reading.flag("train.ema.enabled"), reading.number("train.ema.decay")));
  }

  private static int count(SpecReading reading, String key) {
    return reading.value(key) == null ? 0 : reading.integer(key);
  }
}
