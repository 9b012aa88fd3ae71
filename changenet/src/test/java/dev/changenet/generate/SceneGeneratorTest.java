package dev.changenet.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.data.ChangeDataset;
import dev.changenet.data.ChangeDataset.Purpose;
import dev.changenet.data.DataSettings;
import dev.changenet.data.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SceneGeneratorTest {
  @TempDir Path root;

  @Test
  void aSceneDependsOnSeedAndIndexAlone() {
    SceneGenerator first = new SceneGenerator(new GeneratorSettings(7, 48, 4, 0, 0, 2));
    SceneGenerator second = new SceneGenerator(new GeneratorSettings(7, 48, 1, 9, 3, 2));
    ScenePair late = second.scene(3);
    second.scene(0);
    for (int i = 0; i < 4; i++) {
      ScenePair pair = first.scene(i);
      if (i == 3) {
        assertThat(pair.a().pixels()).isEqualTo(late.a().pixels());
        assertThat(pair.b().pixels()).isEqualTo(late.b().pixels());
        assertThat(pair.mask().values()).isEqualTo(late.mask().values());
      } else {
        assertThat(pair.a().pixels()).isNotEqualTo(late.a().pixels());
      }
    }
    assertThat(new SceneGenerator(new GeneratorSettings(8, 48, 4, 0, 0, 2)).scene(3).a().pixels())
        .isNotEqualTo(late.a().pixels());
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5})
  void masksHoldTheClassesAskedFor(int classes) {
    SceneGenerator generator = new SceneGenerator(new GeneratorSettings(1, 96, 40, 0, 0, classes));
    TreeSet<Integer> seen = new TreeSet<>();
    for (int i = 0; i < 30; i++) {
      for (byte value : generator.scene(i).mask().values()) {
        seen.add(value & 0xFF);
      }
    }
    Integer[] expected = {0, 1, 2, 3, 4};
    assertThat(seen)
        .containsExactly(classes == 2 ? new Integer[] {0, 255} : Arrays.copyOf(expected, classes));
  }

  /** What a model has to learn: more difference where buildings changed than elsewhere. */
  @Test
  void changeStandsOutFromTheNuisance() {
    SceneGenerator generator = new SceneGenerator(new GeneratorSettings(5, 96, 30, 0, 0, 2));
    double inside = 0;
    double outside = 0;
    long changed = 0;
    long kept = 0;
    for (int i = 0; i < 30; i++) {
      ScenePair pair = generator.scene(i);
      double[] gain = meanGain(pair);
      for (int p = 0; p < 96 * 96; p++) {
        double difference = 0;
        for (int c = 0; c < 3; c++) {
          double a = (pair.a().pixels()[3 * p + c] & 0xFF) * gain[c];
          difference += Math.abs(a - (pair.b().pixels()[3 * p + c] & 0xFF)) / 3;
        }
        if (pair.mask().values()[p] != 0) {
          inside += difference;
          changed++;
        } else {
          outside += difference;
          kept++;
        }
      }
    }
    double share = changed / (double) (changed + kept);
    assertThat(share).isBetween(0.03, 0.15);
    assertThat(inside / changed).isGreaterThan(1.5 * outside / kept);
    assertThat(outside / kept).as("unchanged ground differs as well").isGreaterThan(4);
  }

  private static double[] meanGain(ScenePair pair) {
    double[] gain = new double[3];
    for (int c = 0; c < 3; c++) {
      double a = 0;
      double b = 0;
      for (int p = c; p < pair.a().pixels().length; p += 3) {
        a += pair.a().pixels()[p] & 0xFF;
        b += pair.b().pixels()[p] & 0xFF;
      }
      gain[c] = b / a;
    }
    return gain;
  }

  @Test
  void theDataSetIsCompleteAndReadable() throws IOException {
    SceneGenerator.generate(root, new GeneratorSettings(11, 40, 3, 2, 2, 2));
    assertThat(Files.readString(root.resolve("list/train.txt")))
        .isEqualTo("scene_00000.png\nscene_00001.png\nscene_00002.png\n");
    assertThat(Files.readString(root.resolve("list/test.txt")))
        .isEqualTo("scene_00005.png\nscene_00006.png\n")
        .isEqualTo(Files.readString(root.resolve("list/predict.txt")));
    DataSettings settings = DataSettings.of(root).withImgSize(40);
    ChangeDataset val = ChangeDataset.open(settings, "val", Purpose.VALIDATION);
    assertThat(val.size()).isEqualTo(2);
    ScenePair pair = new SceneGenerator(new GeneratorSettings(11, 40, 3, 2, 2, 2)).scene(4);
    Sample sample = val.read(1);
    assertThat(sample.name()).isEqualTo("scene_00004.png");
    assertThat(sample.a().pixels()).isEqualTo(pair.a().pixels());
    assertThat(sample.b().pixels()).isEqualTo(pair.b().pixels());
    try (Stream<Path> files = Files.list(root.resolve("label"))) {
      assertThat(files).hasSize(7);
    }
  }

  @Test
  void splitsWithoutPairsHaveNoList() {
    SceneGenerator.generate(root, new GeneratorSettings(1, 16, 1, 0, 0, 3));
    assertThat(root.resolve("list/train.txt")).exists();
    assertThat(root.resolve("list/val.txt")).doesNotExist();
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new GeneratorSettings(1, 8, 1, 1, 1, 2))
        .hasMessageContaining("size must be within 16–4096, got 8");
    assertThatThrownBy(() -> new GeneratorSettings(1, 64, 1, 1, 1, 6))
        .hasMessageContaining("classes");
    assertThatThrownBy(() -> new GeneratorSettings(1, 64, -1, 1, 1, 2))
        .hasMessageContaining("train");
    assertThatThrownBy(() -> new GeneratorSettings(1, 64, 0, 0, 0, 2))
        .hasMessageContaining("all 0");
  }
}
