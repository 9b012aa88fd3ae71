package dev.changenet.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Encrypted containers give their content to the right key, and to no other. */
class EtltFileTest {
  private static final int PIECE = 1 << 20;

  @TempDir Path folder;

  private static byte[] content(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private Path written(byte[] plain) {
    Path path = folder.resolve("model.etlt");
    EtltFile.write(path, new ByteArrayInputStream(plain), "schlüssel");
    return path;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 17})
  void contentReadsBackWithItsKey(int size) {
    byte[] plain = content(size);
    assertThat(EtltFile.read(written(plain), "schlüssel")).isEqualTo(plain);
  }

  @Test
  void fileStartsWithAnEmptyInputNameAndHidesTheContent() throws IOException {
    byte[] bytes =
        Files.readAllBytes(written("very recognisable content".getBytes(StandardCharsets.UTF_8)));
    assertThat(Arrays.copyOf(bytes, 4)).containsOnly(0);
    assertThat(new String(bytes, StandardCharsets.ISO_8859_1)).doesNotContain("recognisable");
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void encryptingTwiceGivesDifferentFiles() throws IOException {
    byte[] first = Files.readAllBytes(written(content(100)));
    Files.delete(folder.resolve("model.etlt"));
    assertThat(Files.readAllBytes(written(content(100)))).isNotEqualTo(first);
  }

  @Test
  void aWrongOrMissingKeyIsAnError() {
    Path path = written(content(100));
    for (String key : new String[] {"schlussel", "", null}) {
      assertThatThrownBy(() -> EtltFile.read(path, key))
          .isInstanceOf(OnnxException.class)
          .hasMessageContainingAll("model.etlt", "wrong encryption key");
    }
    assertThatThrownBy(
            () ->
                EtltFile.write(folder.resolve("b.etlt"), new ByteArrayInputStream(content(1)), ""))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("encryption_key");
    assertThat(folder.resolve("b.etlt")).doesNotExist();
  }

  @Test
  void damagedAndShortenedFilesAreErrors() throws IOException {
    Path path = written(content(2 * PIECE + 17));
    byte[] good = Files.readAllBytes(path);
    byte[] flipped = good.clone();
    flipped[PIECE + 5000] ^= 1;
    Files.write(path, flipped);
    assertThatThrownBy(() -> EtltFile.read(path, "schlüssel"))
        .hasMessageContaining("damaged or cut off");
    // Cut off exactly between two pieces.
    int header = good.length - (2 * PIECE + 17) - 3 * 16;
    Files.write(path, Arrays.copyOf(good, header + 2 * (PIECE + 16)));
    assertThatThrownBy(() -> EtltFile.read(path, "schlüssel"))
        .hasMessageContaining("damaged or cut off");
    Files.write(path, Arrays.copyOf(good, 20));
    assertThatThrownBy(() -> EtltFile.read(path, "schlüssel"))
        .hasMessageContaining("not an encrypted model");
  }

  @Test
  void filesThatCannotBeReadOrWrittenAreToldWithTheReason() throws IOException {
    Path absent = folder.resolve("absent");
    assertThatThrownBy(() -> EtltFile.read(absent, "key"))
        .isInstanceOf(OnnxException.class)
        .hasMessage(absent + ": can't be read: no such file or folder");
    assertThatThrownBy(() -> EtltFile.write(folder.resolve("x.etlt"), absent, "key"))
        .isInstanceOf(OnnxException.class)
        .hasMessage(absent + ": can't be read: no such file or folder");
    Path below = Files.createFile(folder.resolve("file")).resolve("x.etlt");
    assertThatThrownBy(() -> EtltFile.write(below, new ByteArrayInputStream(content(1)), "key"))
        .isInstanceOf(OnnxException.class)
        .hasMessage(below + ": writing failed: a file is in the way");
  }

  @Test
  void anExistingFileIsNotOverwritten() {
    Path path = written(content(5));
    assertThatThrownBy(() -> written(content(6)))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("already exists");
    assertThat(EtltFile.read(path, "schlüssel")).isEqualTo(content(5));
  }
}
