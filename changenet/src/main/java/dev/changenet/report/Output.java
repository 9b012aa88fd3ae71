package dev.changenet.report;

import dev.changenet.image.DataException;
import dev.changenet.nn.state.AtomicFile;
import dev.changenet.nn.state.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Writes files that appear under their name only when they are complete. */
final class Output {
  private Output() {}

  /**
   * Writes {@code text} as UTF-8.
   *
   * @throws DataException if the file cannot be written
   */
  static void write(Path file, String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    try {
      AtomicFile.write(
          file,
          channel -> {
            while (bytes.hasRemaining()) {
              channel.write(bytes);
            }
          });
    } catch (CheckpointException e) {
      throw new DataException(
          file + ": the file cannot be written (" + e.getCause() + "); check permissions and space",
          e);
    }
  }
}
