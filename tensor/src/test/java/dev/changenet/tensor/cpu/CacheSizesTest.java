package dev.changenet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CacheSizesTest {
  @TempDir Path folder;

  private void cache(int index, String level, String size) throws IOException {
    Path cache = Files.createDirectory(folder.resolve("index" + index));
    Files.writeString(cache.resolve("level"), level + "\n");
    Files.writeString(cache.resolve("size"), size + "\n");
  }

  @ParameterizedTest
  @CsvSource({
    "1024K, 1048576",
    "512K, 524288",
    "2M, 2097152",
    "65536, 65536",
    "none, 2097152",
    "-1K, 2097152"
  })
  void theSecondLevelIsFound(String size, long bytes) throws IOException {
    cache(0, "1", "32K");
    cache(1, "1", "48K");
    cache(2, "2", size);
    cache(3, "3", "36608K");

    assertThat(CacheSizes.l2(folder)).isEqualTo(bytes);
  }

  @Test
  void aUsualSizeIsTakenWhereNothingIsSaid() throws IOException {
    assertThat(CacheSizes.l2(folder)).isEqualTo(2 << 20);

    cache(0, "1", "32K");

    assertThat(CacheSizes.l2(folder)).isEqualTo(2 << 20);
  }
}
