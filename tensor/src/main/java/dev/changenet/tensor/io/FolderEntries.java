package dev.changenet.tensor.io;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What lies in a folder. */
public final class FolderEntries {
  private FolderEntries() {}

  /**
   * Returns the files and folders in {@code folder} whose names match {@code glob}, in order.
   *
   * @throws IOException if the folder cannot be read, also when that shows half-way through, which
   *     Java's own listings report as an unchecked exception
   */
  public static List<Path> matching(Path folder, String glob) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      entries.forEach(found::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    Collections.sort(found);
    return found;
  }
}
