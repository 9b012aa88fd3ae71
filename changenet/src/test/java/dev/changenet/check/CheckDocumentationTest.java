package dev.changenet.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CheckDocumentationTest {
  @Test
  void everyCodeIsExplained() throws IOException {
    String page = Files.readString(Path.of("../docs/check.md"));
    for (Code code : Code.values()) {
      assertThat(page).containsOnlyOnce("\n| `" + code.key() + "`");
    }
  }
}
