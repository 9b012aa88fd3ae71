package dev.changenet.train;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How far a checkpoint is, as its name tells.
 *
 * @param step steps in all, or the largest number after a complete epoch, which comes behind the
 *     steps inside it
 */
record CheckpointPosition(int epoch, long step, Path file)
    implements Comparable<CheckpointPosition> {
  private static final Pattern NAME =
      Pattern.compile("model_epoch_([0-9]{3,9})(?:_step_([0-9]{5,18}))?\\.pth");

  private static final Comparator<CheckpointPosition> ORDER =
      Comparator.comparingInt(CheckpointPosition::epoch)
          .thenComparingLong(CheckpointPosition::step);

  /** Returns the position of a file with such a name, or nothing. */
  static Optional<CheckpointPosition> of(Path file) {
    Matcher m = NAME.matcher(String.valueOf(file.getFileName()));
    return m.matches()
        ? Optional.of(
            new CheckpointPosition(
                Integer.parseInt(m.group(1)),
                m.group(2) == null ? Long.MAX_VALUE : Long.parseLong(m.group(2)),
                file))
        : Optional.empty();
  }

  /**
   * Returns the checkpoints in {@code folder}, earliest first.
   *
   * @throws CheckpointException when it can't be listed
   */
  static List<CheckpointPosition> in(Path folder) {
    try {
      return FolderEntries.matching(folder, "model_epoch_*.pth").stream()
          .map(CheckpointPosition::of)
          .flatMap(Optional::stream)
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new CheckpointException(folder, "cannot be listed (" + IoProblem.of(e) + ")", e);
    }
  }

  String name() {
    return String.valueOf(file.getFileName());
  }

  @Override
  public int compareTo(CheckpointPosition other) {
    return ORDER.compare(this, other);
  }
}
