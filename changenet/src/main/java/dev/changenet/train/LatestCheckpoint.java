package dev.changenet.train;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The entry of a results directory that leads to its newest checkpoint. */
final class LatestCheckpoint {
  /** What a process that was killed while it saved leaves behind; the number is its id. */
  private static final Pattern TEMPORARY =
      Pattern.compile(
          "(?:experiment\\.yaml|metrics\\.csv|report\\.html|report-history\\.jsonl|"
              + Pattern.quote(PretrainedWeights.REPORT)
              + "|"
              + "model_epoch_[0-9_step]+\\.pth|"
              + Pattern.quote(BestModel.FILE)
              + "|\\.?" // Earlier versions put a dot before it.
              + Pattern.quote(Checkpoint.LATEST)
              + ")\\.tmp-([0-9]{1,18})");

  private LatestCheckpoint() {}

  /**
   * Returns the newest checkpoint of {@code folder}, or nothing when there is none yet.
   *
   * @throws CheckpointException if the entry leads nowhere: starting afresh would then be as wrong
   *     as anything else
   */
  static Optional<Path> find(Path folder) {
    Path latest = folder.resolve(Checkpoint.LATEST);
    if (!Files.exists(latest, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Path file = target(latest);
    if (file.equals(latest) && Files.isSymbolicLink(latest)) {
      throw new CheckpointException(
          latest,
          "links to itself, as an interrupted run of TAO may leave it; delete it, and name the"
              + " newest checkpoint in train.resume_training_checkpoint_path to go on from there");
    }
    if (!Files.exists(file)) {
      throw new CheckpointException(
          latest,
          "points to "
              + file.getFileName()
              + ", which does not exist; bring that file back, set"
              + " train.resume_training_checkpoint_path, or delete the entry to start afresh");
    }
    return Optional.of(file);
  }

  /** Returns the file that {@code file} links to, or itself. */
  static Path target(Path file) {
    try {
      return Files.isSymbolicLink(file) ? file.resolveSibling(Files.readSymbolicLink(file)) : file;
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read (" + IoProblem.of(e) + ")", e);
    }
  }

  /** Points the entry of {@code folder} at {@code name} in one move, so that it never dangles. */
  static void point(Path folder, String name) {
    Path latest = folder.resolve(Checkpoint.LATEST);
    try {
      AtomicFile.link(latest, name);
    } catch (IOException e) {
      throw new CheckpointException(
          latest, "cannot be pointed at " + name + " (" + IoProblem.of(e) + ")", e);
    }
  }

  /** Deletes what processes that no longer run left half-written in {@code folder}. */
  static void removeStale(Path folder) {
    try {
      for (Path entry : FolderEntries.matching(folder, "*.tmp-*")) {
        Matcher m = TEMPORARY.matcher(String.valueOf(entry.getFileName()));
        if (m.matches() && !belongsToAnother(Long.parseLong(m.group(1)))) {
          Files.deleteIfExists(entry);
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(
          folder, "cannot be cleared of unfinished checkpoints (" + IoProblem.of(e) + ")", e);
    }
  }

  private static boolean belongsToAnother(long process) {
    return process != ProcessHandle.current().pid() && ProcessHandle.of(process).isPresent();
  }
}
