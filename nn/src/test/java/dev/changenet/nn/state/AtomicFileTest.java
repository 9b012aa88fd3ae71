package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  private static void hello(FileChannel channel) throws IOException {
    channel.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void writesBesideTheTargetFirst() {
    Path path = folder.resolve("file");
    AtomicFile.write(
        path,
        channel -> {
          hello(channel);
          assertThat(path).doesNotExist();
          assertThat(folder.resolve("file.tmp-" + ProcessHandle.current().pid())).exists();
        });
    assertThat(path).hasContent("hello");
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  @Test
  void aFullDiskLeavesTheOldFileAndNoTemporaryOne() throws Exception {
    Path path = Files.writeString(folder.resolve("file"), "old");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    path,
                    channel -> {
                      hello(channel);
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(path + ": can't be written: No space left on device")
        .hasCauseInstanceOf(IOException.class);
    assertThat(path).hasContent("old");
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  @Test
  void aProgrammingErrorPassesThroughAndCleansUp() {
    Path path = folder.resolve("file");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    path,
                    channel -> {
                      throw new IllegalStateException("bug");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("bug");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void overwritesWhatAKilledProcessLeftBehind() throws Exception {
    Files.writeString(
        folder.resolve("file.tmp-" + ProcessHandle.current().pid()), "much longer rest");
    AtomicFile.write(folder.resolve("file"), AtomicFileTest::hello);
    assertThat(folder.resolve("file")).hasContent("hello");
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  @Test
  void aFolderInTheWayIsNamed() throws Exception {
    Path path = Files.createDirectory(folder.resolve("file"));
    Files.writeString(path.resolve("inside"), "x");
    assertThatThrownBy(() -> AtomicFile.write(path, AtomicFileTest::hello))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(path + ": can't be written: ");
    assertThat(folder.toFile().list()).containsExactly("file");
  }
}
