package dev.changenet.tensor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.testing.UnreadableFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderEntriesTest {
  @TempDir Path folder;

  @Test
  void entriesMatchAndAreInOrder() throws IOException {
    for (String name : new String[] {"c.pth", "a.pth", "b.txt", ".d.pth"}) {
      Files.createFile(folder.resolve(name));
    }
    Files.createDirectory(folder.resolve("b.pth"));
    assertThat(FolderEntries.matching(folder, "*.pth"))
        .extracting(p -> p.getFileName().toString())
        .containsExactly(".d.pth", "a.pth", "b.pth", "c.pth");
    assertThat(FolderEntries.matching(folder, "*")).hasSize(5);
  }

  @Test
  void aFaultOnTheWayIsCheckedAsOneAtTheStartIs() throws Exception {
    assertThatThrownBy(() -> FolderEntries.matching(folder.resolve("absent"), "*"))
        .isInstanceOf(NoSuchFileException.class);
    try (UnreadableFolder broken = new UnreadableFolder()) {
      assertThatThrownBy(() -> FolderEntries.matching(broken.path(), "*"))
          .isInstanceOf(IOException.class);
    }
  }
}
