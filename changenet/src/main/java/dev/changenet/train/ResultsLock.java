package dev.changenet.train;

import dev.changenet.tensor.ChangeNetException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps a second training out of a results directory, where both would replace each other's
 * checkpoints: a locked file with the number of the process, which ends with it.
 */
final class ResultsLock implements AutoCloseable {
  static final String FILE = ".training.lock";

  private final Path file;
  private final FileChannel channel;

  private ResultsLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Locks {@code folder}.
   *
   * @throws ChangeNetException if another training has it
   * @throws IOException where the file system has no locks, or the folder can't be written
   */
  static ResultsLock take(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    while (true) {
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      boolean taken = false;
      try {
        if (!lock(channel)) {
          throw new ChangeNetException(
              "results_dir: another training"
                  + owner(file)
                  + " writes to "
                  + folder
                  + "; wait until it ends, stop it, or choose another results_dir");
        }
        byte[] own = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8);
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(own));
        // Its last owner may have deleted the file between the two steps above.
        if (Files.exists(file) && Files.size(file) == own.length) {
          taken = true;
          return new ResultsLock(file, channel);
        }
      } finally {
        if (!taken) {
          channel.close();
        }
      }
    }
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private static String owner(Path file) {
    try {
      String process = Files.readString(file).strip();
      return process.matches("[0-9]{1,18}") ? " (process " + process + ")" : "";
    } catch (IOException e) {
      return "";
    }
  }

  @Override
  public void close() {
    try (channel) {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A file that stays is no lock: the next training takes it again.
      return;
    }
  }
}
