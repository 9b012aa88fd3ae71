package dev.changenet.tensor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  private static void hello(FileChannel channel) throws IOException {
    channel.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void writesBesideTheTargetFirst() throws IOException {
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
        .isInstanceOf(IOException.class)
        .hasMessage("No space left on device");
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
        .isInstanceOf(IOException.class);
    assertThat(folder.toFile().list()).containsExactly("file");
  }

  @Test
  void streamsAreWrittenToTheirEnd() throws IOException {
    byte[] much = new byte[100_000];
    Arrays.fill(much, (byte) 7);
    Path forced = folder.resolve("forced");
    Path unforced = folder.resolve("unforced");
    AtomicFile.stream(forced, out -> out.write(much));
    AtomicFile.streamUnforced(unforced, out -> out.write(much));
    AtomicFile.write(folder.resolve("bytes"), much);
    assertThat(forced).hasBinaryContent(much);
    assertThat(unforced).hasBinaryContent(much);
    assertThat(folder.resolve("bytes")).hasBinaryContent(much);
    assertThat(folder.toFile().list()).hasSize(3);
  }

  @Test
  void linksAreReplacedAndFollowTheirFile() throws IOException {
    Files.writeString(folder.resolve("one"), "1");
    Files.writeString(folder.resolve("two"), "2");
    Path link = folder.resolve("link");
    AtomicFile.link(link, "one");
    assertThat(link).hasContent("1");
    // A killed process with the same number may have left one behind.
    Files.writeString(folder.resolve("link.tmp-" + ProcessHandle.current().pid()), "rest");
    AtomicFile.link(link, "two");
    assertThat(link).hasContent("2");
    assertThat(Files.readSymbolicLink(link)).hasToString("two");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("one", "two", "link");
  }
}
