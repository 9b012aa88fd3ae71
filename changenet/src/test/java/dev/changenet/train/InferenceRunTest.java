package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What inference writes besides the pictures that TAO has. */
class InferenceRunTest {
  private static final int SIZE = InferenceFixture.SIZE;

  /** Pairs that pass the network in other company may differ in the last bits. */
  private static final double ROUNDING = 1e-5;

  @TempDir static Path shared;
  private static Path two;
  private static Path four;

  @TempDir Path folder;
  private Path data;
  private Path out;

  @BeforeAll
  static void models() {
    // Of this seed the random weights predict more than one class.
    two = InferenceFixture.checkpoint(shared, 2, 5);
    four = InferenceFixture.checkpoint(shared, 4, 5);
  }

  private void pairs(int width, int height, String... names) {
    data = folder.resolve("data");
    out = folder.resolve("out");
    for (int i = 0; i < names.length; i++) {
      InferenceFixture.pair(data, names[i], i, width, height);
    }
  }

  private void list(String... names) throws IOException {
    Files.createDirectories(data.resolve("list"));
    Files.write(data.resolve("list/predict.txt"), List.of(names));
  }

  private byte[] threshold(float[] probabilities, double threshold) {
    int pixels = probabilities.length / 2;
    byte[] ids = new byte[pixels];
    for (int i = 0; i < pixels; i++) {
      ids[i] = (byte) (1 - probabilities[i] >= (float) threshold ? 1 : 0);
    }
    return ids;
  }

  private static double difference(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  private static double median(float[] probabilities) {
    float[] change =
        Arrays.copyOfRange(probabilities, probabilities.length / 2, probabilities.length);
    Arrays.sort(change);
    return change[change.length / 2];
  }

  @Test
  void aSpecOfTaoWritesTaosPicturesAlone() throws IOException {
    pairs(SIZE, SIZE, "x.png", "sub/y.png");
    list("x.png", "sub/y.png");
    String root = "dataset.segment.root_dir=" + data;

    InferenceFixture.run(two, 2, out, root);

    assertThat(TrainFixture.names(out))
        .isEqualTo(
            new TreeSet<>(
                List.of(
                    "combined_visualisation",
                    "experiment.yaml",
                    "status.json",
                    "sub",
                    "x.png.jpg")));
    byte[] before = Files.readAllBytes(out.resolve("x.png.jpg"));
    InferenceFixture.run(
        two, 2, out, root, "inference.masks=true", "inference.vis_after_n_batches=5");
    assertThat(Files.readAllBytes(out.resolve("x.png.jpg"))).isEqualTo(before);
    assertThat(TrainFixture.names(out.resolve("mask"))).containsExactly("sub", "x.png");
  }

  @Test
  void masksHoldTheMostProbableClassOfAllPairs() throws IOException {
    pairs(40, 24, "a.png", "b.png", "c.png");

    InferenceFixture.run(
        four,
        4,
        out,
        InferenceFixture.folders(
            data, "inference.probabilities=npy", "inference.vis_after_n_batches=9"));

    TreeSet<Byte> seen = new TreeSet<>();
    for (String name : List.of("a", "b", "c")) {
      byte[] expected =
          InferenceFixture.mostProbable(
              InferenceFixture.array(out.resolve("probability/" + name + ".npy")), 4);
      assertThat(InferenceFixture.mask(out, name + ".png")).isEqualTo(expected);
      for (byte id : expected) {
        seen.add(id);
      }
    }
    assertThat(seen).as("classes predicted").hasSizeGreaterThan(1);
    // Pictures are drawn for the first batch of two alone, masks for all.
    assertThat(out.resolve("b.png.jpg")).exists();
    assertThat(out.resolve("c.png.jpg")).doesNotExist();
  }

  @Test
  void aThresholdAppliesToMasksAndPictures() throws IOException {
    pairs(SIZE, SIZE, "a.png");
    InferenceFixture.run(
        two, 2, out, InferenceFixture.folders(data, "inference.probabilities=npy"));
    float[] probabilities = InferenceFixture.array(out.resolve("probability/a.npy"));
    byte[] mostProbable = InferenceFixture.mask(out, "a.png");

    InferenceFixture.run(two, 2, out, InferenceFixture.folders(data, "inference.threshold=0.5"));
    assertThat(InferenceFixture.mask(out, "a.png")).isEqualTo(mostProbable).contains(0, 1);

    double median = median(probabilities);
    CapturingReporter reporter =
        InferenceFixture.run(
            two, 2, out, InferenceFixture.folders(data, "inference.threshold=" + median));
    byte[] mask = InferenceFixture.mask(out, "a.png");
    assertThat(mask).isEqualTo(threshold(probabilities, median)).contains(0, 1);
    assertThat(reporter.lines)
        .contains(
            "Pixels count as changed from a probability of "
                + median
                + " on, in the pictures as well");
    RgbImage picture = ImageReader.readRgb(out.resolve("a.png.jpg"));
    int agree = 0;
    for (int i = 0; i < mask.length; i++) {
      agree += (picture.pixels()[3 * i] & 0xFF) > 127 == (mask[i] == 1) ? 1 : 0;
    }
    // JPEG blurs the borders a little.
    assertThat(agree).isGreaterThan(mask.length * 98 / 100);
  }

  @Test
  void resultsCanHaveTheSizeOfThePictures() throws IOException {
    pairs(70, 45, "a.png");
    String[] small = InferenceFixture.folders(data, "inference.probabilities=all");
    InferenceFixture.run(two, 2, out, small);
    assertThat(ImageReader.size(out.resolve("mask/a.png"))).hasToString("32x32");
    assertThat(ImageReader.size(out.resolve("probability/a.png"))).hasToString("32x32");
    assertThat(ImageReader.size(out.resolve("probability_1/a.png"))).hasToString("32x32");

    InferenceFixture.run(
        two,
        2,
        out,
        InferenceFixture.folders(
            data, "inference.probabilities=npy", "inference.output_size=original"));
    float[] probabilities = InferenceFixture.array(out.resolve("probability/a.npy"));
    assertThat(probabilities).hasSize(2 * 70 * 45);
    assertThat(ImageReader.size(out.resolve("mask/a.png"))).hasToString("70x45");
    assertThat(InferenceFixture.mask(out, "a.png"))
        .isEqualTo(InferenceFixture.mostProbable(probabilities, 2));
    assertThat(ImageReader.size(out.resolve("a.png.jpg"))).hasToString("32x32");
  }

  @Test
  void picturesOfTwoSizesHaveNoOriginalSize() {
    pairs(40, 40, "a.png");
    Path b = data.resolve("B/a.png");
    ImageWriter.writePng(b, InferenceFixture.picture(3, 40, 41));

    for (String wish : List.of("inference.output_size=original", "inference.tiles.enabled=true")) {
      assertThatThrownBy(
              () -> InferenceFixture.run(two, 2, out, InferenceFixture.folders(data, wish)))
          .isInstanceOf(DataException.class)
          .hasMessage(
              data.resolve("A/a.png")
                  + " has 40x40 pixels, "
                  + b
                  + " has 40x41; a result of the original size needs two pictures of one size");
    }
    assertThat(out.resolve("mask")).doesNotExist();
  }

  @Test
  void aMirroredPairGivesTheMirroredResult() throws IOException {
    pairs(SIZE, SIZE, "a.png");
    for (String side : List.of("A/", "B/")) {
      RgbImage image = ImageReader.readRgb(data.resolve(side + "a.png"));
      for (int m = 1; m < 4; m++) {
        ImageWriter.writePng(data.resolve(side + "m" + m + ".png"), mirrored(image, m));
      }
    }
    String[] settings =
        InferenceFixture.folders(data, "inference.probabilities=npy", "inference.flips=true");
    InferenceFixture.run(two, 2, out, settings);

    float[] plain = InferenceFixture.array(out.resolve("probability/a.npy"));
    for (int m = 1; m < 4; m++) {
      float[] other = InferenceFixture.array(out.resolve("probability/m" + m + ".npy"));
      float[] expected = new float[plain.length];
      for (int i = 0; i < plain.length; i++) {
        int x = i % SIZE;
        int y = i / SIZE % SIZE;
        int from =
            i / (SIZE * SIZE) * SIZE * SIZE
                + (m > 1 ? SIZE - 1 - y : y) * SIZE
                + (m % 2 == 1 ? SIZE - 1 - x : x);
        expected[i] = plain[from];
      }
      assertThat(difference(other, expected)).as("mirror %d", m).isLessThan(ROUNDING);
    }
    Path unflipped = folder.resolve("unflipped");
    InferenceFixture.run(
        two, 2, unflipped, InferenceFixture.folders(data, "inference.probabilities=npy"));
    float[] once = InferenceFixture.array(unflipped.resolve("probability/a.npy"));
    assertThat(difference(once, plain)).isGreaterThan(100 * ROUNDING);
  }

  /** Mirrors left to right (1), top to bottom (2) or both (3). */
  private static RgbImage mirrored(RgbImage image, int m) {
    RgbImage out = RgbImage.black(image.width(), image.height());
    for (int i = 0; i < out.pixels().length; i++) {
      int x = i / 3 % image.width();
      int y = i / 3 / image.width();
      int sx = m % 2 == 1 ? image.width() - 1 - x : x;
      int sy = m > 1 ? image.height() - 1 - y : y;
      out.pixels()[i] = (byte) image.get(sx, sy, i % 3);
    }
    return out;
  }

  /** One count for all pairs, or the remaining time would be that of the pair at hand. */
  @Test
  void theProgressOfTilesIsThatOfAllPairs() throws IOException {
    pairs(SIZE, SIZE, "small.png");
    InferenceFixture.pair(data, "wide.png", 7, 3 * SIZE, SIZE);
    List<String> told = new ArrayList<>();
    InferenceFixture.run(
        two,
        2,
        out,
        (label, done, total) -> told.add(label + " " + done + "/" + total),
        InferenceFixture.folders(
            data, "inference.tiles.enabled=true", "inference.tiles.overlap=0"));
    assertThat(told)
        .containsExactly("Predicting 0/4", "Predicting 1/4", "Predicting 3/4", "Predicting 4/4");
  }

  @Test
  void aLargePictureThatIsShrunkIsTold() throws IOException {
    pairs(SIZE, 4 * SIZE, "large.png");
    String[] folders = InferenceFixture.folders(data);
    assertThat(InferenceFixture.run(two, 2, out, folders).lines)
        .contains(
            "Pictures of 32x128 pixels are shrunk to 32 x 32; where training saw parts of such"
                + " pictures at their own size, add inference.tiles.enabled=true");
    folders = InferenceFixture.folders(data, "inference.tiles.enabled=true");
    assertThat(InferenceFixture.run(two, 2, out, folders).lines)
        .noneMatch(l -> l.contains("shrunk"));
  }

  @Test
  void picturesOfTwoSizesAreAWarning() throws IOException {
    pairs(SIZE, SIZE, "small.png", "other.png");
    ImageWriter.writePng(data.resolve("B/other.png"), InferenceFixture.picture(3, 20, SIZE));
    List<String> warnings =
        InferenceFixture.run(two, 2, out, InferenceFixture.folders(data)).warnings;
    assertThat(warnings)
        .anyMatch(
            w ->
                w.startsWith("pictures of two sizes in 1 of 2 pairs (")
                    && w.contains("other.png has 32x32 pixels, ")
                    && w.contains("B/other.png 20x32);"));
  }

  @Test
  void anEntryWithADetourIsWrittenWithoutIt() throws IOException {
    pairs(SIZE, SIZE, "x.png");
    for (String side : List.of("A", "B")) {
      Files.createDirectories(data.resolve(side).resolve("sub"));
    }
    Files.createDirectories(data.resolve("list"));
    Files.writeString(data.resolve("list/predict.txt"), "sub/../x.png\n");
    InferenceFixture.run(
        two,
        2,
        out,
        "dataset.segment.root_dir=" + data,
        "dataset.segment.predict_split=predict",
        "inference.masks=true");
    assertThat(out.resolve("x.png.jpg")).exists();
    assertThat(out.resolve("combined_visualisation/x.png.jpg")).exists();
    assertThat(out.resolve("mask/x.png")).exists();
  }

  @Test
  void tilesOfLargePicturesAreWhatTheNetworkSeesThere() throws IOException {
    pairs(SIZE, SIZE, "small.png");
    InferenceFixture.pair(data, "wide.png", 7, 2 * SIZE, SIZE);
    InferenceFixture.pair(data, "tiny.png", 9, 11, 60);
    String[] tiles =
        InferenceFixture.folders(
            data,
            "inference.probabilities=npy",
            "inference.tiles.enabled=true",
            "inference.tiles.overlap=0");
    InferenceFixture.run(two, 2, out, tiles);
    Path whole = folder.resolve("whole");
    InferenceFixture.run(
        two, 2, whole, InferenceFixture.folders(data, "inference.probabilities=npy"));

    assertThat(
            difference(
                InferenceFixture.array(out.resolve("probability/small.npy")),
                InferenceFixture.array(whole.resolve("probability/small.npy"))))
        .isLessThan(ROUNDING);
    // Without overlap the left half of a picture of two tiles is the left tile's prediction.
    for (String side : List.of("A", "B")) {
      RgbImage wide = ImageReader.readRgb(data.resolve(side + "/wide.png"));
      RgbImage left = RgbImage.black(SIZE, SIZE);
      for (int i = 0; i < left.pixels().length; i++) {
        left.pixels()[i] = (byte) wide.get(i / 3 % SIZE, i / 3 / SIZE, i % 3);
      }
      ImageWriter.writePng(folder.resolve("left/" + side + "/wide.png"), left);
    }
    InferenceFixture.run(
        two,
        2,
        whole,
        InferenceFixture.folders(folder.resolve("left"), "inference.probabilities=npy"));
    float[] left = InferenceFixture.array(whole.resolve("probability/wide.npy"));
    float[] both = InferenceFixture.array(out.resolve("probability/wide.npy"));
    float[] half = new float[left.length];
    for (int i = 0; i < half.length; i++) {
      half[i] = both[i / SIZE * 2 * SIZE + i % SIZE];
    }
    assertThat(difference(half, left)).isLessThan(ROUNDING);
    assertThat(ImageReader.size(out.resolve("mask/tiny.png"))).hasToString("11x60");
    assertThat(ImageReader.size(out.resolve("tiny.png.jpg"))).hasToString("32x32");
    assertThat(ImageReader.size(out.resolve("combined_visualisation/wide.png.jpg")))
        .hasToString("116x32");
  }

  @Test
  void namesThatDifferInTheirSuffixKeepIt() throws IOException {
    pairs(SIZE, SIZE, "a.png", "a.bmp", "b.png");

    CapturingReporter reporter = InferenceFixture.run(two, 2, out, InferenceFixture.folders(data));

    assertThat(TrainFixture.names(out.resolve("mask")))
        .containsExactly("a.bmp.png", "a.png.png", "b.png.png");
    assertThat(reporter.lines)
        .contains(
            "Masks and probabilities keep the suffix of their picture, since a.bmp and a.png differ"
                + " in nothing else");
  }

  @Test
  void picturesWithoutPartnerAreWarnedAbout() throws IOException {
    pairs(SIZE, SIZE, "a.png");
    ImageWriter.writePng(data.resolve("B/lonely.png"), InferenceFixture.picture(1, 8, 8));

    CapturingReporter reporter = InferenceFixture.run(two, 2, out, InferenceFixture.folders(data));

    assertThat(reporter.warnings).anyMatch(w -> w.contains("1 picture (lonely.png) left out"));
    assertThat(reporter.lines)
        .contains(
            "Predicted 1 pair; pictures are in %s, masks in %s"
                .formatted(out, out.resolve("mask")));
  }

  @Test
  void anUnreadablePictureIsNamed() throws IOException {
    pairs(SIZE, SIZE, "a.png");
    Path broken = Files.writeString(data.resolve("B/a.png"), "no picture at all");

    for (String size : List.of("img_size", "original")) {
      assertThatThrownBy(
              () ->
                  InferenceFixture.run(
                      two, 2, out, InferenceFixture.folders(data, "inference.output_size=" + size)))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith(broken + ": not a picture that can be read (it looks like text)");
    }
  }

  @Test
  void theThresholdOfAnEvaluationIsUsed() throws IOException {
    pairs(SIZE, SIZE, "a.png");
    InferenceFixture.run(
        two, 2, out, InferenceFixture.folders(data, "inference.probabilities=npy"));
    float[] probabilities = InferenceFixture.array(out.resolve("probability/a.npy"));
    double median = median(probabilities);
    Path metrics = folder.resolve("metrics.json");
    Files.writeString(
        metrics,
        "{\"checkpoint\": \"%s\", \"change\": {\"threshold\": %s, \"f1\": 0.5}}"
            .formatted(two, median));

    CapturingReporter reporter =
        InferenceFixture.run(
            two, 2, out, InferenceFixture.folders(data, "inference.threshold=" + folder));

    assertThat(InferenceFixture.mask(out, "a.png")).isEqualTo(threshold(probabilities, median));
    assertThat(reporter.lines)
        .contains(
            "Pixels count as changed from a probability of %s on (%s), in the pictures as well"
                .formatted(median, metrics));
    assertThat(reporter.warnings).noneMatch(w -> w.contains("threshold"));
  }
}
