package dev.changenet.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.data.Augmentation.Crop;
import dev.changenet.data.Augmentation.Jitter;
import dev.changenet.data.Augmentation.Rescale;
import dev.changenet.image.ColorAdjustment;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AugmentationTest {
  private static final int S = 96;

  @Test
  void recordedRunsAreReproducedByteForByte() throws IOException {
    Path index = ReferenceData.golden("data/index.json");
    byte[] raw = ImageReader.readMask(index.resolveSibling("label.png")).values();
    byte[] ids = new byte[raw.length];
    for (int i = 0; i < raw.length; i++) {
      ids[i] = (byte) ((raw[i] & 0xFF) / 255);
    }
    Sample sample =
        new Sample(
            "a.png",
            Resize.bicubic(ImageReader.readRgb(index.resolveSibling("a.png")), S, S),
            Resize.bicubic(ImageReader.readRgb(index.resolveSibling("b.png")), S, S),
            Resize.nearest(new Mask(300, 200, ids), S, S));
    int runs = 0;
    for (JsonNode entry : new ObjectMapper().readTree(index.toFile())) {
      if (entry.has("recorded_run")) {
        String prefix = "aug" + entry.get("recorded_run").asInt() + "_";
        Sample result = recorded(entry.get("steps")).apply(sample);
        assertThat(result.a().pixels())
            .isEqualTo(ImageReader.readRgb(index.resolveSibling(prefix + "a.png")).pixels());
        assertThat(result.b().pixels())
            .isEqualTo(ImageReader.readRgb(index.resolveSibling(prefix + "b.png")).pixels());
        assertThat(result.mask().values())
            .isEqualTo(ImageReader.readMask(index.resolveSibling(prefix + "label.png")).values());
        runs++;
      }
    }
    assertThat(runs).isEqualTo(3);
  }

  private static Augmentation recorded(JsonNode steps) {
    boolean hflip = false;
    boolean vflip = false;
    double angle = 0;
    double radius = 0;
    Crop crop = null;
    int side = 0;
    Rescale rescale = null;
    List<Jitter> jitter = new ArrayList<>();
    for (JsonNode step : steps) {
      String op = step.get("op").asText();
      switch (op) {
        case "hflip" -> hflip = true;
        case "vflip" -> vflip = true;
        case "rotate" -> angle = step.get("angle").asDouble();
        case "resized_crop" ->
            crop =
                new Crop(
                    step.get("left").asInt(), step.get("top").asInt(), step.get("width").asInt());
        case "rescale" -> side = step.get("rescaled").get(0).asInt();
        case "crop" ->
            rescale =
                new Rescale(side, step.get("box").get(6).asInt(), step.get("box").get(4).asInt());
        case "gaussian_blur" -> radius = step.get("radius").asDouble();
        default ->
            jitter.add(
                new Jitter(
                    ColorAdjustment.valueOf(
                        op.substring("adjust_".length()).toUpperCase(Locale.ROOT)),
                    step.get("factor").asDouble()));
      }
    }
    assertThat(jitter).hasSize(8);
    return new Augmentation(
        hflip, vflip, angle, crop, rescale, radius, jitter.subList(0, 4), jitter.subList(4, 8));
  }

  @Test
  void normalizationMatchesTheGoldenTensor() {
    RgbImage image = ImageReader.readRgb(ReferenceData.golden("data/resize_a_96.png"));
    double[] expected = Npy.read(ReferenceData.golden("data/to_tensor_norm.npy")).values();
    float[] nhwc = new float[expected.length];
    new Normalization(AugmentationSettings.defaults()).apply(image, nhwc, 0);
    for (int c = 0; c < 3; c++) {
      for (int i = 0; i < S * S; i++) {
        assertThat(nhwc[i * 3 + c]).isEqualTo((float) expected[c * S * S + i]);
      }
    }
  }

  @Test
  void drawsFollowTheDocumentedDistributions() {
    AugmentationSettings settings = AugmentationSettings.defaults();
    int n = 4000;
    int flips = 0;
    int rotations = 0;
    int jitters = 0;
    Set<Double> angles = new HashSet<>();
    Set<List<ColorAdjustment>> orders = new HashSet<>();
    for (int i = 0; i < n; i++) {
      Augmentation a = Augmentation.draw(settings, 256, Augmentation.stream(7, 0, 0, i));
      flips += a.flipLeftRight() ? 1 : 0;
      rotations += a.angle() != 0 ? 1 : 0;
      angles.add(a.angle());
      assertThat(a.crop().side()).isBetween(229, 256);
      assertThat(a.crop().left()).isBetween(0, 256 - a.crop().side());
      assertThat(a.rescale().side()).isBetween(256, 308);
      assertThat(a.rescale().left()).isBetween(0, a.rescale().side() - 256);
      assertThat(a.blurRadius()).isBetween(0.0, 1.0);
      if (!a.jitterA().isEmpty()) {
        jitters++;
        assertThat(a.jitterA()).hasSize(4).isNotEqualTo(a.jitterB());
        orders.add(a.jitterA().stream().map(Jitter::adjustment).toList());
        for (Jitter j : a.jitterA()) {
          double center = j.adjustment() == ColorAdjustment.HUE ? 0 : 1;
          assertThat(j.factor()).isCloseTo(center, within(0.3));
        }
      }
    }
    assertThat(flips / (double) n).isCloseTo(0.5, within(0.03));
    assertThat(rotations / (double) n).isCloseTo(0.5, within(0.03));
    assertThat(jitters / (double) n).isCloseTo(0.5, within(0.03));
    assertThat(angles).containsExactlyInAnyOrder(0.0, 90.0, 180.0, 270.0);
    assertThat(orders).hasSize(24);
  }

  @Test
  void everyAngleOfTheListIsDrawn() {
    AugmentationSettings d = AugmentationSettings.defaults();
    AugmentationSettings settings =
        new AugmentationSettings(
            new AugmentationSettings.RandomFlip(true, 0, 1),
            new AugmentationSettings.RandomRotate(true, 1, List.of(1.0, 2.0, 3.0, 4.0, 5.0)),
            new AugmentationSettings.RandomColor(true, 0.3, 0, 0, 0, 1),
            d.withScaleRandomCrop(),
            false,
            false,
            d.mean(),
            d.std());
    Set<Double> angles = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      Augmentation a = Augmentation.draw(settings, 64, Augmentation.stream(1, 2, 0, i));
      angles.add(a.angle());
      assertThat(a.flipLeftRight()).isTrue();
      assertThat(a.flipTopBottom()).isFalse();
      assertThat(a.crop()).isNull();
      assertThat(a.blurRadius()).isZero();
      assertThat(a.jitterA())
          .extracting(Jitter::adjustment)
          .containsExactly(ColorAdjustment.BRIGHTNESS);
    }
    assertThat(angles).containsExactlyInAnyOrder(1.0, 2.0, 3.0, 4.0, 5.0);
  }

  @Test
  void switchedOffSettingsChangeNothing() {
    Sample sample = sample(33);
    Augmentation a =
        Augmentation.draw(AugmentationSettings.none(), 33, RandomStream.of(1, "augment"));
    Sample result = a.apply(sample);
    assertThat(result.a()).isSameAs(sample.a());
    assertThat(result.b().pixels()).isEqualTo(sample.b().pixels());
    assertThat(result.mask().values()).isEqualTo(sample.mask().values());
  }

  @Test
  void shrinkingLeavesIgnoredBorders() {
    Augmentation a =
        new Augmentation(false, false, 0, null, new Rescale(20, 3, 5), 0, List.of(), List.of());
    Sample result = a.apply(sample(32));
    assertThat(result.mask().get(2, 10)).isEqualTo(DataSettings.IGNORE);
    assertThat(result.mask().get(3, 5)).isNotEqualTo(DataSettings.IGNORE);
    assertThat(result.mask().get(23, 10)).isEqualTo(DataSettings.IGNORE);
    assertThat(result.a().get(2, 10, 0)).isZero();
  }

  @Test
  void streamsDependOnEpochRankAndSample() {
    Set<Long> first = new HashSet<>();
    for (int epoch = 0; epoch < 3; epoch++) {
      for (int rank = 0; rank < 3; rank++) {
        for (int sample = 0; sample < 3; sample++) {
          first.add(Augmentation.stream(5, epoch, rank, sample).nextLong());
        }
      }
    }
    assertThat(first).hasSize(27);
    assertThat(Augmentation.draw(AugmentationSettings.defaults(), 64, stream()))
        .isEqualTo(Augmentation.draw(AugmentationSettings.defaults(), 64, stream()));
  }

  @Test
  void settingsOutsideTheirRangeAreRefused() {
    assertThatThrownBy(() -> new AugmentationSettings.RandomFlip(true, 1.5, 0))
        .hasMessageContaining("vflip_probability")
        .hasMessageContaining("1.5");
    assertThatThrownBy(() -> new AugmentationSettings.RandomRotate(true, 0.5, List.of()))
        .hasMessageContaining("angle_list");
    assertThatThrownBy(() -> new AugmentationSettings.RandomColor(true, -1, 0, 0, 0, 0.5))
        .hasMessageContaining("brightness");
    assertThatThrownBy(() -> new AugmentationSettings.RandomColor(true, 0, 0, 0, 0.6, 0.5))
        .hasMessageContaining("hue");
    assertThatThrownBy(() -> new AugmentationSettings.ScaleRandomCrop(true, 1.2, 1.0))
        .hasMessageContaining("scale_range");
    AugmentationSettings d = AugmentationSettings.defaults();
    assertThatThrownBy(() -> d.withNormalization(List.of(0.5), d.std()))
        .hasMessageContaining("mean");
    assertThatThrownBy(() -> d.withNormalization(d.mean(), List.of(0.5, 0.0, 0.5)))
        .hasMessageContaining("std");
  }

  private static RandomStream stream() {
    return Augmentation.stream(5, 1, 0, 9);
  }

  private static Sample sample(int size) {
    RandomStream random = RandomStream.of(3, "pixels");
    byte[] a = new byte[size * size * 3];
    byte[] b = new byte[size * size * 3];
    byte[] mask = new byte[size * size];
    for (int i = 0; i < a.length; i++) {
      a[i] = (byte) random.nextInt(256);
      b[i] = (byte) random.nextInt(256);
      mask[i / 3] = (byte) random.nextInt(2);
    }
    return new Sample(
        "x.png",
        new RgbImage(size, size, a),
        new RgbImage(size, size, b),
        new Mask(size, size, mask));
  }
}
