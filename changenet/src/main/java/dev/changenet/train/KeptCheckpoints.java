package dev.changenet.train;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Removes old epoch and step checkpoints of a results directory. */
final class KeptCheckpoints {
  private static final Pattern NAME =
      Pattern.compile("model_epoch_([0-9]{3,9})(?:_step_([0-9]{5,18}))?\\.pth");

  /** A complete epoch comes behind the steps inside it. */
  private record Position(int epoch, long step, Path file) implements Comparable<Position> {
    static final Comparator<Position> ORDER =
        Comparator.comparingInt(Position::epoch).thenComparingLong(Position::step);

    static Position of(Path file) {
      Matcher m = NAME.matcher(String.valueOf(file.getFileName()));
      return m.matches()
          ? new Position(
              Integer.parseInt(m.group(1)),
              m.group(2) == null ? Long.MAX_VALUE : Long.parseLong(m.group(2)),
              file)
          : null;
    }

    @Override
    public int compareTo(Position other) {
      return ORDER.compare(this, other);
    }
  }

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
    Position newest = Position.of(saved);
    List<Position> all = new ArrayList<>();
    try {
      for (Path file : FolderEntries.matching(folder, "model_epoch_*.pth")) {
        Position p = Position.of(file);
        if (p != null && newest != null && p.compareTo(newest) <= 0) {
          all.add(p);
        }
      }
      all.sort(Comparator.reverseOrder());
      for (Position old : all.subList(Math.min(keep, all.size()), all.size())) {
        if (!isOneOf(old.file, spared)) {
          Files.deleteIfExists(old.file);
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
