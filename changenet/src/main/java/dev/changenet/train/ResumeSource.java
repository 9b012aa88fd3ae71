package dev.changenet.train;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.WeightsFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The checkpoint that a training goes on from, and what is to be said about it. */
final class ResumeSource {
  private final Path folder;
  private final boolean named;
  private final Optional<Path> file;

  /**
   * @throws CheckpointException when the latest entry of the results directory leads nowhere
   */
  ResumeSource(ExperimentSpec spec) {
    Optional<Path> given = spec.train().resumeTrainingCheckpointPath();
    folder = spec.resultsDir();
    named = given.isPresent();
    file = named ? given.map(LatestCheckpoint::target) : LatestCheckpoint.find(folder);
  }

  /** True when there is a checkpoint; a training begins anew otherwise. */
  boolean isPresent() {
    return file.isPresent();
  }

  /**
   * Opens the checkpoint, if there is one.
   *
   * @throws CheckpointException with what is wrong with it and how to go on
   */
  Optional<WeightsFile> open() {
    return file.map(this::open);
  }

  private WeightsFile open(Path checkpoint) {
    try {
      return Checkpoint.openWhole(checkpoint);
    } catch (CheckpointException e) {
      String problem = e.getMessage().replaceFirst("^" + Pattern.quote(e.path() + ": "), "");
      throw new CheckpointException(
          checkpoint,
          problem
              + (named
                  ? "; name another one in train.resume_training_checkpoint_path, or leave it out"
                  : "; go on from an earlier one with train.resume_training_checkpoint_path, or"
                      + " delete "
                      + Checkpoint.LATEST
                      + " to begin anew"),
          e);
    }
  }

  /** What lets a training begin whose checkpoint is for another network. */
  String otherStart() {
    return named
        ? "leave out train.resume_training_checkpoint_path"
        : "train into another results_dir";
  }

  /** Checkpoints that the training will replace, as a sentence, or nothing. */
  Optional<String> warning() {
    List<CheckpointPosition> replaced =
        CheckpointPosition.in(folder).stream().filter(this::comesLater).toList();
    if (replaced.isEmpty()) {
      return Optional.empty();
    }
    String last = replaced.getLast().name();
    return Optional.of(
        file.isEmpty()
            ? folder
                + " has "
                + last
                + " but no "
                + Checkpoint.LATEST
                + ": training begins anew and replaces checkpoints of the same name; to go on from"
                + " one, stop and set train.resume_training_checkpoint_path"
            : "training goes on from "
                + file.get()
                + " and replaces checkpoints of the same name in "
                + folder
                + ", which has "
                + (replaced.size() == 1 ? "" : replaced.getFirst().name() + " to ")
                + last
                + "; to keep them, stop and choose another results_dir");
  }

  private boolean comesLater(CheckpointPosition other) {
    Optional<CheckpointPosition> start =
        file.filter(f -> folder.toAbsolutePath().equals(f.toAbsolutePath().getParent()))
            .flatMap(CheckpointPosition::of);
    return start.isEmpty() || other.compareTo(start.get()) > 0;
  }
}
