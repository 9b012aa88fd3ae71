package dev.changenet.nn.state;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file so that its name always refers to a complete one: the content goes to a temporary
 * file beside it, reaches the disk, and then takes the name in one step.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes the content of a new, empty file. */
  @FunctionalInterface
  public interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Writes {@code content} to {@code path}, replacing what was there.
   *
   * @throws CheckpointException if writing fails; the temporary file is deleted and an older file
   *     of that name is left as it was
   */
  public static void write(Path path, Content content) {
    Path name = path.getFileName();
    if (name == null) {
      throw new CheckpointException(path, "is no file name");
    }
    Path temporary = path.resolveSibling(name + ".tmp-" + ProcessHandle.current().pid());
    try {
      // A killed process with the same number may have left one behind.
      Files.deleteIfExists(temporary);
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      forceFolder(path.toAbsolutePath().getParent());
    } catch (IOException e) {
      CheckpointException failure =
          new CheckpointException(path, "can't be written: " + cause(e), e);
      delete(temporary, failure);
      throw failure;
    } catch (RuntimeException | Error e) {
      delete(temporary, e);
      throw e;
    }
  }

  private static void delete(Path temporary, Throwable failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** A move survives a power failure only after its folder reached the disk. */
  private static void forceFolder(Path folder) throws IOException {
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      } catch (AccessDeniedException e) {
        // A folder that may be written but not listed: the file is complete, only a power failure
        // could still undo the move.
      }
    }
  }

  /** Says in words for users why a file couldn't be written. */
  public static String cause(IOException e) {
    return e instanceof NoSuchFileException ? "its folder doesn't exist" : IoProblem.of(e);
  }
}
