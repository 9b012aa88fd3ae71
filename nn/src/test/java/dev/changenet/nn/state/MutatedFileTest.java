package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damages good files at random: the result is a tree or a refusal, never another failure. */
@Timeout(120)
class MutatedFileTest {
  private static final int VARIANTS = 150;

  @TempDir Path folder;

  private static byte[] mutate(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    int edits = 1 + random.nextInt(4);
    for (int i = 0; i < edits && bytes.length > 1; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes[at] = (byte) 0xFF;
        case 3 -> {
          int end = Math.min(bytes.length, at + 1 + random.nextInt(8));
          Arrays.fill(bytes, at, end, (byte) random.nextInt(256));
        }
        case 4 -> {
          int from = random.nextInt(bytes.length);
          int n = Math.min(random.nextInt(32), bytes.length - Math.max(at, from));
          System.arraycopy(bytes, from, bytes, at, n);
        }
        default -> bytes = random.nextInt(4) == 0 ? Arrays.copyOf(bytes, at) : bytes;
      }
    }
    return bytes;
  }

  /** Returns 1 if the file was refused. */
  private int read(Path path, long seed) {
    try {
      TestFiles.touchAll(WeightsFile.read(path).root());
      return 0;
    } catch (CheckpointException e) {
      assertThat(e.getMessage()).startsWith(path + ": ").hasLineCount(1);
      return 1;
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + seed + ": " + e, e);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "legacy.pth",
        "dtypes.pth",
        "views.pth",
        "types.safetensors",
        "backbone.safetensors"
      })
  void damagedFilesAreReadOrRefused(String sample) {
    byte[] original = TestFiles.bytes(TestFiles.sample(sample));
    int header = sample.equals("backbone.safetensors") ? 400 : original.length;
    int refused = 0;
    for (long seed = 0; seed < VARIANTS; seed++) {
      byte[] head = mutate(Arrays.copyOf(original, header), new SplittableRandom(seed));
      byte[] bytes = Arrays.copyOf(head, head.length + original.length - header);
      System.arraycopy(original, header, bytes, head.length, original.length - header);
      refused += read(TestFiles.write(folder.resolve("mutated-" + sample), bytes), seed);
    }
    assertThat(refused).isBetween(VARIANTS / 4, VARIANTS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nested.pth",
        "dtypes.pth",
        "views.pth",
        "unknown_classes.pth",
        "protocol4.pth",
        "parameter.pth",
        "module_metadata.pth"
      })
  void damagedPicklesInIntactArchivesAreReadOrRefused(String sample) throws Exception {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    String pickle = null;
    try (ZipFile zip = new ZipFile(TestFiles.sample(sample).toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
        pickle = entry.getName().endsWith("/data.pkl") ? entry.getName() : pickle;
      }
    }
    byte[] original = entries.get(pickle);
    int refused = 0;
    for (long seed = 0; seed < VARIANTS; seed++) {
      entries.put(pickle, mutate(original, new SplittableRandom(seed)));
      refused += read(TestFiles.zip(folder.resolve("mutated-" + sample), entries), seed);
    }
    assertThat(refused).isBetween(VARIANTS / 4, VARIANTS);
  }
}
