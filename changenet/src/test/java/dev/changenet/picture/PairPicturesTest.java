package dev.changenet.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.data.Batch;
import dev.changenet.image.ImageReader;
import dev.changenet.image.RgbImage;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PairPicturesTest {
  private static final int S = 32;
  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void picturesMatchTheGoldenOnes(int classes) throws IOException {
    Path index = ReferenceData.golden("visualisation/index.json");
    String prefix = "classes" + classes + "_";
    float[] a = channelsLast(Npy.read(index.resolveSibling(prefix + "a.npy")));
    float[] b = channelsLast(Npy.read(index.resolveSibling(prefix + "b.npy")));
    double[] label = Npy.read(index.resolveSibling(prefix + "label.npy")).values();
    double[] logits = Npy.read(index.resolveSibling(prefix + "logits.npy")).values();
    int[] labels = new int[S * S];
    int[] predictions = new int[S * S];
    for (int i = 0; i < S * S; i++) {
      labels[i] = (int) label[i];
      for (int c = 1; c < classes; c++) {
        if (logits[c * S * S + i] > logits[predictions[i] * S * S + i]) {
          predictions[i] = c;
        }
      }
    }
    PairPictures pictures =
        new PairPictures(
            classes, ColorTable.of(colors(index, classes), "x", classes, 1), HALF, HALF);
    Batch batch = new Batch(0, List.of("x.png"), S, a, b, labels);

    assertMatches(
        pictures.classMap(predictions, S), index, prefix + "inference_prediction.npy", -1, null);
    assertMatches(
        pictures.combined(batch, predictions, 0, false),
        index,
        prefix + "inference_combined.npy",
        -1,
        null);
    boolean[] mismatch = new boolean[S * S];
    for (int i = 0; i < S * S; i++) {
      mismatch[i] = predictions[i] != labels[i];
    }
    // The reference blackens wrong pixels in this cell before it throws the picture away.
    assertMatches(
        pictures.combined(batch, predictions, 0, true),
        index,
        prefix + "evaluate_combined.npy",
        classes > 2 ? 2 * (S + 10) : -1,
        mismatch);
  }

  private static void assertMatches(
      RgbImage image, Path index, String file, int blackenedFrom, boolean[] mismatch) {
    Npy golden = Npy.read(index.resolveSibling(file));
    assertThat(golden.shape()).containsExactly(image.height(), image.width(), 3);
    int compared = 0;
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        int cell = x - blackenedFrom;
        if (blackenedFrom >= 0 && cell >= 0 && cell < S && mismatch[y * S + cell]) {
          continue;
        }
        for (int c = 0; c < 3; c++) {
          double value = golden.values()[(y * image.width() + x) * 3 + c];
          assertThat(image.get(x, y, c))
              .as(file + " column " + x + " row " + y + " channel " + c)
              .isEqualTo((int) Math.floor((float) value * 255f));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThan(image.pixels().length * 2 / 3);
  }

  private static Map<String, List<Integer>> colors(Path index, int classes) throws IOException {
    Map<String, List<Integer>> map = new TreeMap<>();
    for (JsonNode c : new ObjectMapper().readTree(index.toFile()).get("cases")) {
      if (c.get("num_classes").asInt() == classes && c.get("color_map").isObject()) {
        c.get("color_map")
            .properties()
            .forEach(
                e ->
                    map.put(
                        e.getKey(),
                        List.of(
                            e.getValue().get(0).asInt(),
                            e.getValue().get(1).asInt(),
                            e.getValue().get(2).asInt())));
      }
    }
    return map.isEmpty() ? null : map;
  }

  private static float[] channelsLast(Npy npy) {
    float[] out = new float[S * S * 3];
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < S * S; i++) {
        out[i * 3 + c] = (float) npy.values()[c * S * S + i];
      }
    }
    return out;
  }

  @Test
  void binaryCellsAreBlackAndWhiteAndIgnoredPixelsWhite() {
    PairPictures pictures = new PairPictures(2, ColorTable.of(null, "x", 2, 1), HALF, HALF);
    RgbImage image = pictures.classMap(new int[] {0, 1, 255, 0}, 2);
    assertThat(image.pixels()).containsExactly(0, 0, 0, -1, -1, -1, -1, -1, -1, 0, 0, 0);
  }

  @Test
  void ignoredPixelsAreAlmostBlackAmongColours() {
    PairPictures pictures = new PairPictures(3, ColorTable.of(null, "LandSCD", 3, 1), HALF, HALF);
    RgbImage image = pictures.classMap(new int[] {255, 1, 2, 0}, 2);
    assertThat(image.get(0, 0, 1)).isEqualTo(1);
    assertThat(image.get(1, 0, 1)).isEqualTo(165);
  }

  @Test
  void barsAreTenBlackPixelsWide() {
    int size = 4;
    float[] white = filled(size, 1f);
    Batch batch = new Batch(0, List.of("x"), size, white, white, new int[16]);
    PairPictures pictures = new PairPictures(2, ColorTable.of(null, "x", 2, 1), HALF, HALF);
    RgbImage three = pictures.combined(batch, ones(size), 0, false);
    assertThat(three.width()).isEqualTo(3 * size + 20);
    assertThat(pictures.combined(batch, ones(size), 0, true).width()).isEqualTo(4 * size + 30);
    for (int x = 0; x < three.width(); x++) {
      boolean bar = x >= 4 && x < 14 || x >= 18 && x < 28;
      assertThat(three.get(x, 2, 0)).isEqualTo(bar ? 0 : 255);
    }
  }

  @Test
  void normalizationIsUndoneWithTheGivenConstants() {
    List<Double> mean = List.of(0.1, 0.2, 0.3);
    List<Double> std = List.of(0.5, 0.25, 2.0);
    PairPictures pictures = new PairPictures(2, ColorTable.of(null, "x", 2, 1), mean, std);
    float[] a = {(100.5f / 255 - 0.1f) / 0.5f, 9f, -9f};
    Batch batch = new Batch(0, List.of("x"), 1, a, a, null);
    RgbImage image = pictures.combined(batch, new int[1], 0, false);
    assertThat(image.get(0, 0, 0)).isEqualTo(100);
    assertThat(image.get(0, 0, 1)).isEqualTo(255);
    assertThat(image.get(0, 0, 2)).isZero();
    assertThatThrownBy(() -> pictures.combined(batch, new int[1], 0, true))
        .hasMessageContaining("no labels");
  }

  @Test
  void filesAreNamedAfterListEntriesAndSubfoldersCreated() throws IOException {
    int size = 16;
    PairPictures pictures = new PairPictures(2, ColorTable.of(null, "x", 2, 1), HALF, HALF);
    float[] pixels = new float[2 * size * size * 3];
    int[] predictions = new int[2 * size * size];
    for (int i = 0; i < size * size; i++) {
      predictions[size * size + i] = i % size < size / 2 ? 0 : 1;
    }
    Batch batch = new Batch(0, List.of("test_1.png", "city/two.jpg"), size, pixels, pixels, null);
    pictures.write(folder, batch, predictions, false);
    RgbImage second = ImageReader.readRgb(folder.resolve("city/two.jpg.jpg"));
    assertThat(second.get(2, 3, 0)).isLessThan(60);
    assertThat(second.get(13, 3, 0)).isGreaterThan(200);
    assertThat(ImageReader.readRgb(folder.resolve("combined_visualisation/test_1.png.jpg")).width())
        .isEqualTo(3 * size + 20);
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.filter(Files::isRegularFile)).hasSize(4);
    }
  }

  private static float[] filled(int size, float value) {
    float[] out = new float[size * size * 3];
    Arrays.fill(out, value);
    return out;
  }

  private static int[] ones(int size) {
    int[] out = new int[size * size];
    Arrays.fill(out, 1);
    return out;
  }
}
