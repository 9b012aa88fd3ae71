package dev.changenet.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  @TempDir Path folder;

  private Path write(long firstStep, Event... events) throws IOException {
    try (EventFile file = EventFile.create(folder.resolve("a/b"), firstStep)) {
      for (Event event : events) {
        file.write(event);
      }
      return file.path();
    }
  }

  @Test
  void scalarsAndPicturesComeBackAsWritten() throws IOException {
    double before = System.currentTimeMillis() * 1e-3;
    byte[] picture = new byte[300];
    Arrays.fill(picture, (byte) 0x89);
    Event event =
        new Event(5_000_000_000L)
            .scalar("Änderung/1", -1.25)
            .scalar("nan", Double.NaN)
            .picture("p", 20, 10, picture, "all of it");
    Path path = write(1, event);
    assertThat(path.getFileName().toString())
        .matches("events\\.out\\.tfevents\\.\\d{10}\\.[A-Za-z0-9.-]+\\.\\d+\\.0");
    List<EventReader.Read> read = EventReader.read(path);
    assertThat(read).hasSize(2);
    assertThat(read.get(0).version()).isEqualTo("brain.Event:2");
    assertThat(read.get(1).step()).isEqualTo(5_000_000_000L);
    assertThat(read.get(1).wallTime()).isBetween(before, before + 60);
    assertThat(read.get(1).scalars()).containsEntry("Änderung/1", -1.25f).hasSize(2);
    assertThat(read.get(1).scalars().get("nan")).isNaN();
    assertThat(read.get(1).pictures().get("p")).isEqualTo(picture);
  }

  @Test
  void aLaterFileOfTheFolderHasAnotherNameAndSaysWhereItBegins() throws IOException {
    write(1, new Event(1).scalar("x", 1));
    write(8, new Event(8).scalar("x", 2));
    List<Path> files = EventReader.files(folder.resolve("a/b"));
    assertThat(files).hasSize(2);
    List<EventReader.Read> second = EventReader.read(files.get(1));
    assertThat(second.get(1).restart()).isTrue();
    assertThat(second.get(1).step()).isEqualTo(8);
    assertThat(second.get(2).scalars()).containsEntry("x", 2f);
  }

  @Test
  void aFileCutAnywhereIsReadableUpToItsLastWholeRecord() throws IOException {
    Path path = write(1, new Event(1).scalar("x", 1), new Event(2).scalar("x", 2).scalar("y", 0.5));
    byte[] all = Files.readAllBytes(path);
    int whole = 0;
    for (int length = 0; length <= all.length; length++) {
      Files.write(path, Arrays.copyOf(all, length));
      int records = EventReader.read(path).size();
      assertThat(records).isBetween(whole, whole + 1);
      whole = records;
    }
    assertThat(whole).isEqualTo(3);
    all[all.length - 6] ^= 1;
    Files.write(path, all);
    assertThatThrownBy(() -> EventReader.read(path)).hasMessageContaining("wrong checksum");
  }

  @Test
  void everyEventCanBeReadAtOnce() throws IOException {
    try (EventFile file = EventFile.create(folder, 1)) {
      for (int step = 1; step < 4; step++) {
        file.write(new Event(step).scalar("x", step));
        assertThat(EventReader.read(file.path())).hasSize(1 + step);
      }
    }
  }
}
