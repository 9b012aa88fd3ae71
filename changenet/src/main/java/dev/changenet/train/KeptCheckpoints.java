package dev.changenet.train;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Removes old epoch and step checkpoints of a results directory. */
final class KeptCheckpoints {
  private KeptCheckpoints() {}

  /**
   * Removes what is older than the {@code keep} newest of {@code saved} and the checkpoints before
   * it. Later ones, of another training, stay as they are.
   *
   * @param saved the checkpoint that has just been written
   * @param spared files that stay in any case
   */
  static void prune(Path saved, int keep, List<Path> spared) {
    Path folder = saved.getParent();
    Optional<CheckpointPosition> newest = CheckpointPosition.of(saved);
    try {
      List<CheckpointPosition> all =
          CheckpointPosition.in(folder).stream()
              .filter(p -> newest.isPresent() && p.compareTo(newest.get()) <= 0)
              .sorted(Comparator.reverseOrder())
              .toList();
      for (CheckpointPosition old : all.subList(Math.min(keep, all.size()), all.size())) {
        if (!isOneOf(old.file(), spared)) {
          Files.deleteIfExists(old.file());
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(
          folder, "its old checkpoints cannot be removed (" + IoProblem.of(e) + ")", e);
    }
  }

  private static boolean isOneOf(Path file, List<Path> spared) throws IOException {
    for (Path other : spared) {
      if (Files.exists(other) && Files.isSameFile(file, other)) {
        return true;
      }
    }
    return false;
  }
}
