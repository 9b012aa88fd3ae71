package dev.changenet.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.image.Geometry.PasteBox;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every operation case of the golden image pipeline, byte for byte. */
class GoldenImageOperationsTest {
  @TestFactory
  List<DynamicTest> everyCaseMatchesByteForByte() throws IOException {
    Path index = ReferenceData.golden("data/index.json");
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode entry : new ObjectMapper().readTree(index.toFile())) {
      if (entry.has("op") && entry.get("file").asText().endsWith(".png")) {
        tests.add(DynamicTest.dynamicTest(entry.get("file").asText(), () -> check(index, entry)));
      }
    }
    assertThat(tests).hasSize(50);
    return tests;
  }

  private static void check(Path index, JsonNode entry) {
    Path source = index.resolveSibling(entry.get("source").asText());
    Path expected = index.resolveSibling(entry.get("file").asText());
    if (entry.get("mode").asText().equals("RGB")) {
      RgbImage result = apply(entry, ImageReader.readRgb(source));
      RgbImage want = ImageReader.readRgb(expected);
      assertThat(result.width()).isEqualTo(want.width());
      assertThat(result.pixels()).isEqualTo(want.pixels());
    } else {
      Mask result = apply(entry, ImageReader.readMask(source));
      Mask want = ImageReader.readMask(expected);
      assertThat(result.width()).isEqualTo(want.width());
      assertThat(result.values()).isEqualTo(want.values());
    }
  }

  private static RgbImage apply(JsonNode e, RgbImage in) {
    double factor = e.path("factor").asDouble();
    return switch (e.get("op").asText()) {
      case "resize" -> Resize.bicubic(in, at(e, "to", 0), at(e, "to", 1));
      case "resize twice" -> {
        JsonNode to = e.get("to");
        RgbImage small = Resize.bicubic(in, to.get(0).get(0).asInt(), to.get(0).get(1).asInt());
        yield Resize.bicubic(small, to.get(1).get(0).asInt(), to.get(1).get(1).asInt());
      }
      case "adjust_brightness" -> ColorAdjustment.BRIGHTNESS.apply(in, factor);
      case "adjust_contrast" -> ColorAdjustment.CONTRAST.apply(in, factor);
      case "adjust_saturation" -> ColorAdjustment.SATURATION.apply(in, factor);
      case "adjust_hue" -> ColorAdjustment.HUE.apply(in, factor);
      case "gaussian_blur" -> GaussianBlur.apply(in, e.get("radius").asDouble());
      case "rotate (counter-clockwise degrees)" -> Geometry.rotate(in, e.get("angle").asDouble());
      case "hflip" -> Geometry.flipLeftRight(in);
      case "vflip" -> Geometry.flipTopBottom(in);
      case "resized_crop" ->
          Resize.bicubic(
              Geometry.crop(in, n(e, "left"), n(e, "top"), n(e, "width"), n(e, "height")),
              at(e, "to", 0),
              at(e, "to", 1));
      case "rescale_and_crop" -> {
        RgbImage scaled = Resize.bicubic(in, at(e, "rescaled", 0), at(e, "rescaled", 1));
        yield Geometry.paste(scaled, box(e), in.width(), in.height(), n(e, "fill"));
      }
      default -> throw new AssertionError("unknown operation " + e);
    };
  }

  private static Mask apply(JsonNode e, Mask in) {
    return switch (e.get("op").asText()) {
      case "resize" -> Resize.nearest(in, at(e, "to", 0), at(e, "to", 1));
      case "resized_crop" ->
          Resize.nearest(
              Geometry.crop(in, n(e, "left"), n(e, "top"), n(e, "width"), n(e, "height")),
              at(e, "to", 0),
              at(e, "to", 1));
      case "rescale_and_crop" -> {
        Mask scaled = Resize.nearest(in, at(e, "rescaled", 0), at(e, "rescaled", 1));
        yield Geometry.paste(scaled, box(e), in.width(), in.height(), n(e, "fill"));
      }
      default -> throw new AssertionError("unknown operation " + e);
    };
  }

  /** The file's order: target top, bottom, left, right, then source top, bottom, left, right. */
  private static PasteBox box(JsonNode e) {
    return new PasteBox(
        at(e, "box", 6),
        at(e, "box", 4),
        at(e, "box", 2),
        at(e, "box", 0),
        at(e, "box", 3) - at(e, "box", 2),
        at(e, "box", 1) - at(e, "box", 0));
  }

  private static int n(JsonNode e, String key) {
    return e.get(key).asInt();
  }

  private static int at(JsonNode e, String key, int i) {
    return e.get(key).get(i).asInt();
  }
}
