package dev.changenet.image;

import dev.changenet.tensor.io.AtomicFile;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes what a user looks at. Missing folders are created; a file appears under its name only when
 * it is complete, so an interrupted run leaves no half of one.
 */
public final class OutputFile {
  private OutputFile() {}

  private interface Step {
    void run(Path target) throws IOException;
  }

  /**
   * Writes {@code text} as UTF-8.
   *
   * @throws DataException if the file cannot be written
   */
  public static void write(Path path, String text) {
    attempt(path, target -> AtomicFile.write(target, text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes one of the many pictures of a run, which doesn't wait for the disk each time.
   *
   * @throws DataException if the file cannot be written
   */
  public static void writePicture(Path path, AtomicFile.StreamContent content) {
    attempt(path, target -> AtomicFile.streamUnforced(target, content));
  }

  private static void attempt(Path path, Step step) {
    Path target = path.toAbsolutePath();
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new DataException(path + ": is no regular file; give the name of a file to write");
    }
    try {
      Files.createDirectories(target.getParent());
      step.run(target);
    } catch (IOException e) {
      throw new DataException(
          path
              + ": the file cannot be written ("
              + IoProblem.of(e)
              + "); check the folder's permissions and the free space",
          e);
    }
  }
}
