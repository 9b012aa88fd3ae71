package dev.changenet.tensor.io;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file so that its name always refers to a complete one: the content goes to a temporary
 * file beside it, {@code <name>.tmp-<process>}, reaches the disk, and then takes the name in one
 * step. When that fails, the temporary file is deleted and an older file of that name is left as it
 * was.
 */
public final class AtomicFile {
  private static final int BUFFER = 1 << 16;

  private AtomicFile() {}

  /** Writes the content of a new, empty file. */
  @FunctionalInterface
  public interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  /** Writes the content of a file from its beginning to its end. */
  @FunctionalInterface
  public interface StreamContent {
    void writeTo(OutputStream out) throws IOException;
  }

  /** Writes {@code content} to {@code path}, replacing what was there. */
  public static void write(Path path, Content content) throws IOException {
    write(path, content, true);
  }

  /** Writes {@code bytes} to {@code path}, replacing what was there. */
  public static void write(Path path, byte[] bytes) throws IOException {
    write(
        path,
        channel -> {
          ByteBuffer left = ByteBuffer.wrap(bytes);
          while (left.hasRemaining()) {
            channel.write(left);
          }
        },
        true);
  }

  /** {@link #write(Path, Content)} with a buffered stream. */
  public static void stream(Path path, StreamContent content) throws IOException {
    write(path, buffered(content), true);
  }

  /**
   * {@link #stream} without waiting for the disk, for one of many files that can be made again: a
   * kill leaves whole files only, a power failure may leave an empty one.
   */
  public static void streamUnforced(Path path, StreamContent content) throws IOException {
    write(path, buffered(content), false);
  }

  private static Content buffered(StreamContent content) {
    return channel -> {
      // Not closed: the channel is still to be forced.
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
      content.writeTo(out);
      out.flush();
    };
  }

  private static void write(Path path, Content content, boolean forced) throws IOException {
    Path temporary = temporary(path);
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
        if (forced) {
          channel.force(true);
        }
      }
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      if (forced) {
        forceFolder(path);
      }
    } catch (IOException | RuntimeException | Error e) {
      delete(temporary, e);
      throw e;
    }
  }

  /**
   * Makes {@code link} a symbolic link to its neighbour {@code name}, or a copy of it where there
   * are no links, replacing what was there.
   */
  public static void link(Path link, String name) throws IOException {
    Path temporary = temporary(link);
    try {
      Files.deleteIfExists(temporary);
      Files.createSymbolicLink(temporary, Path.of(name));
    } catch (UnsupportedOperationException | IOException noLinks) {
      stream(link, out -> Files.copy(link.resolveSibling(name), out));
      return;
    }
    try {
      Files.move(temporary, link, StandardCopyOption.ATOMIC_MOVE);
      forceFolder(link);
    } catch (IOException e) {
      delete(temporary, e);
      throw e;
    }
  }

  /** Gives a complete file another name on the same file system, replacing what had it. */
  public static void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    forceFolder(to);
  }

  private static Path temporary(Path path) throws IOException {
    Path name = path.getFileName();
    if (name == null) {
      throw new IOException("is no file name");
    }
    return path.resolveSibling(name + ".tmp-" + ProcessHandle.current().pid());
  }

  private static void delete(Path temporary, Throwable failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** A move survives a power failure only after its folder reached the disk. */
  private static void forceFolder(Path path) {
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      Path folder = path.toAbsolutePath().getParent();
      try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      } catch (IOException e) {
        // A folder that may not be listed, or a file system that can't force one: the file is
        // complete and in its place, only a power failure could still undo the move.
      }
    }
  }

  /** Says in words for users why a file couldn't be written. */
  public static String cause(IOException e) {
    return e instanceof NoSuchFileException ? "its folder doesn't exist" : IoProblem.of(e);
  }
}
