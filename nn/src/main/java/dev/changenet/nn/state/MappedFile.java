package dev.changenet.nn.state;

import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file mapped into memory for reading, so that gigabytes of weights take no heap. The mapping
 * lives as long as a tensor refers to it.
 */
record MappedFile(Path path, MemorySegment bytes) {

  static MappedFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw new CheckpointException(path, "is a folder, expected a weight file");
    }
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new CheckpointException(path, "is no regular file, expected a weight file");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size == 0) {
        throw new CheckpointException(path, "the file is empty, expected a weight file");
      }
      return new MappedFile(
          path, channel.map(FileChannel.MapMode.READ_ONLY, 0, size, Arena.ofAuto()));
    } catch (NoSuchFileException e) {
      throw new CheckpointException(path, "no such file", e);
    } catch (IOException e) {
      throw new CheckpointException(path, "can't be read: " + IoProblem.of(e), e);
    }
  }

  /** Bytes read before their pages are given back. */
  static final int WINDOW = 8 << 20;

  /** Pages of smaller parts aren't worth the call. */
  private static final int WORTHWHILE = 256 << 10;

  /**
   * Gives the pages of a part back that has been read, so that a large file is never resident as a
   * whole beside what is made of it. The content stays: a later access reads it again.
   */
  static void giveBack(MemorySegment part) {
    if (part.isMapped() && part.byteSize() >= WORTHWHILE) {
      part.unload();
    }
  }

  long size() {
    return bytes.byteSize();
  }

  CheckpointException refuse(String problem) {
    return new CheckpointException(path, problem);
  }

  CheckpointException refuse(String problem, Throwable cause) {
    return new CheckpointException(path, problem, cause);
  }
}
