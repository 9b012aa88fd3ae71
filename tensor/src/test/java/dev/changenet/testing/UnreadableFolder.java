package dev.changenet.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A folder that can be opened but not read to its end, as one of a network file system that went
 * away: that of the network of a process which has ended, but whose parent has not taken note.
 */
public final class UnreadableFolder implements AutoCloseable {
  private final Process parent;
  private final Path path;

  /** Skips the test where there is no such folder. */
  public UnreadableFolder() throws IOException, InterruptedException {
    assumeTrue(Files.isDirectory(Path.of("/proc/self/net")), "no /proc of Linux");
    // The child ends when the shell, which would take note, is one no longer.
    parent = new ProcessBuilder("sh", "-c", "sleep 1 & echo $!; exec sleep 60").start();
    boolean done = false;
    try {
      String child = parent.inputReader().readLine();
      path = Path.of("/proc", child, "net");
      Path state = Path.of("/proc", child, "stat");
      for (int i = 0; i < 500 && !Files.readString(state).contains(") Z "); i++) {
        TimeUnit.MILLISECONDS.sleep(10);
      }
      assumeTrue(cannotBeRead(), "a folder of a process that has ended can be read here");
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  private boolean cannotBeRead() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      entries.forEach(e -> {});
      return false;
    } catch (DirectoryIteratorException e) {
      return true;
    }
  }

  public Path path() {
    return path;
  }

  @Override
  public void close() {
    parent.destroy();
  }
}
