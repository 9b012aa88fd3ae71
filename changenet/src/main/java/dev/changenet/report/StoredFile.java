package dev.changenet.report;

import dev.changenet.image.DataException;
import dev.changenet.tensor.io.IoProblem;
import dev.changenet.tensor.io.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file of a run.
 *
 * @param what its part in the run
 * @param path where it lies
 * @param bytes its size
 * @param hash SHA-256 of its content, or empty where that was not computed
 */
public record StoredFile(String what, Path path, long bytes, String hash) {
  /**
   * Looks at a file.
   *
   * @param hashed whether to hash its content
   * @throws DataException if it cannot be read
   */
  public static StoredFile of(String what, Path path, boolean hashed) {
    try {
      String link = Files.isSymbolicLink(path) ? ", a link to " + Files.readSymbolicLink(path) : "";
      return new StoredFile(what + link, path, Files.size(path), hashed ? Sha256.of(path) : "");
    } catch (IOException e) {
      throw new DataException(
          path + ": cannot be read for the report (" + IoProblem.of(e) + ")", e);
    }
  }
}
