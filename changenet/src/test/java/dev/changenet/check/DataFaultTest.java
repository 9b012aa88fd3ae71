package dev.changenet.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import java.awt.Color;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each fault, put into a clean data set, is found once, and nothing else is. */
class DataFaultTest {
  private static final List<List<Integer>> COLORS =
      List.of(List.of(0, 0, 0), List.of(255, 0, 0), List.of(0, 255, 0), List.of(0, 0, 255));

  @TempDir static Path clean;
  @TempDir Path folder;

  private interface Injection {
    void into(FaultySet set) throws IOException;
  }

  private record Fault(Code code, String what, int classes, Injection injection) {
    @Override
    public String toString() {
      return code.key() + ": " + what;
    }
  }

  @BeforeAll
  static void drawCleanSets() throws IOException {
    Path binary = clean.resolve("2");
    SceneGenerator.generate(binary, new GeneratorSettings(3, 64, 10, 4, 4, 2));
    Path several = clean.resolve("4");
    SceneGenerator.generate(several, new GeneratorSettings(4, 64, 6, 3, 3, 2));
    FaultySet set = new FaultySet(several, 2);
    for (String split : List.of("train", "val", "test")) {
      for (String name : set.names(split)) {
        Path file = several.resolve("label").resolve(name);
        Mask mask = ImageReader.readMask(file);
        byte[] values = new byte[mask.values().length];
        for (int i = 0; i < values.length; i++) {
          int column = i % mask.width();
          values[i] = (byte) (i / mask.width() < 8 && column < 24 ? 1 + column / 8 : 0);
        }
        ImageWriter.writePng(file, new Mask(mask.width(), mask.height(), values));
      }
    }
  }

  private FaultySet set(int classes) throws IOException {
    return FaultySet.copy(clean.resolve(String.valueOf(classes)), folder.resolve("data"), classes);
  }

  private static List<Code> codes(CheckReport report) {
    return report.findings().stream().map(Finding::code).toList();
  }

  @Test
  void aLinkToTheFolderItLiesInIsNoFinding() throws IOException {
    FaultySet set = set(2);
    Files.createSymbolicLink(set.root.resolve("A/self"), Path.of("."));
    assertThat(set.examine(2).findings()).isEmpty();
  }

  @Test
  void cleanSetsGiveNoFinding() throws IOException {
    for (int classes : new int[] {2, FaultySet.CLASSES}) {
      for (Depth depth : Depth.values()) {
        FaultySet set = new FaultySet(clean.resolve(String.valueOf(classes)), classes);
        set.depth = depth;
        assertThat(set.examine(2).findings()).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aFaultIsFoundOnceAndNothingElse(Fault fault) throws IOException {
    FaultySet set = set(fault.classes());
    fault.injection().into(set);
    CheckReport report = set.examine(2);
    assertThat(codes(report)).as(() -> report.findings().toString()).containsExactly(fault.code());
    assertThat(report.findings().getFirst().text()).isNotBlank();
    assertThat(report.findings().getFirst().remedy()).isNotBlank();
  }

  @Test
  void oneFileIsSpokenOfAsOne() throws IOException {
    FaultySet set = set(2);
    Files.delete(set.first("B", "train"));
    assertThat(set.examine(2).findings().getFirst().text())
        .isEqualTo("1 file of the samples does not exist");
    Files.delete(set.first("label", "train"));
    assertThat(set.examine(2).findings().getFirst().text())
        .isEqualTo("2 files of the samples do not exist");
  }

  /** Faults that show in headers, lists or in the values of any mask. */
  @ParameterizedTest
  @MethodSource("quickFaults")
  void theQuickCheckFindsWhatNeedsNoPixels(Fault fault) throws IOException {
    FaultySet set = set(fault.classes());
    set.depth = Depth.QUICK;
    fault.injection().into(set);
    assertThat(codes(set.examine(2))).containsExactly(fault.code());
  }

  static Stream<Fault> quickFaults() {
    List<Code> needPixels =
        List.of(
            Code.NO_CHANGE,
            Code.CLASS_EMPTY,
            Code.CLASS_RARE,
            Code.CHANGE_DOMINANT,
            Code.PICTURE_BLANK,
            Code.PAIR_IDENTICAL,
            Code.LEAK,
            Code.LEAK_NEAR,
            Code.DUPLICATE_PAIR,
            Code.SHIFT);
    return faults()
        .filter(f -> !needPixels.contains(f.code()) && !f.what().contains("inside the pixels"));
  }

  @Test
  void everyCodeHasAFault() {
    assertThat(faults().map(Fault::code).distinct()).containsExactlyInAnyOrder(Code.values());
  }

  static Stream<Fault> faults() {
    return Stream.of(lists(), files(), pictures(), masks(), classes(), twins())
        .flatMap(List::stream);
  }

  private static Fault binary(Code code, String what, Injection injection) {
    return new Fault(code, what, 2, injection);
  }

  private static Fault several(Code code, String what, Injection injection) {
    return new Fault(code, what, FaultySet.CLASSES, injection);
  }

  private static List<Fault> lists() {
    return List.of(
        binary(
            Code.FOLDER_MISSING,
            "B has another name",
            s -> Files.move(s.root.resolve("B"), s.root.resolve("after"))),
        binary(
            Code.SAME_FOLDER,
            "A stands for B",
            s -> {
              try (Stream<Path> files = Files.list(s.root.resolve("B"))) {
                for (Path file : files.toList()) {
                  Files.delete(file);
                }
              }
              Files.delete(s.root.resolve("B"));
              Files.createSymbolicLink(s.root.resolve("B"), Path.of("A"));
            }),
        binary(Code.LIST_MISSING, "no val list", s -> Files.delete(s.root.resolve("list/val.txt"))),
        binary(
            Code.LIST_MISSING,
            "no predict list",
            s -> Files.delete(s.root.resolve("list/predict.txt"))),
        binary(
            Code.LIST_UNUSABLE,
            "empty",
            s -> Files.writeString(s.root.resolve("list/train.txt"), "# nothing yet\n")),
        binary(
            Code.LIST_UNUSABLE,
            "not UTF-8",
            s ->
                Files.write(
                    s.root.resolve("list/val.txt"),
                    "straße.png\n".getBytes(StandardCharsets.ISO_8859_1))),
        binary(
            Code.LIST_UNUSABLE,
            "leads out",
            s -> Files.writeString(s.root.resolve("list/val.txt"), "../x.png\n")),
        binary(
            Code.LIST_AMBIGUOUS,
            "txt and csv",
            s -> Files.copy(s.root.resolve("list/test.txt"), s.root.resolve("list/test.csv"))),
        binary(Code.DUPLICATE_NAME, "in train", s -> s.add("train", s.names("train").getFirst())),
        binary(Code.SPLIT_OVERLAP, "train and val", s -> s.add("val", s.names("train").getFirst())),
        binary(Code.SPLIT_OVERLAP, "val and test", s -> s.add("test", s.names("val").get(1))),
        binary(Code.BATCH_TOO_LARGE, "11 of 10", s -> s.settings = s.settings.withBatchSize(11)));
  }

  private static List<Fault> files() {
    return List.of(
        binary(Code.FILE_MISSING, "in B", s -> Files.delete(s.first("B", "train"))),
        binary(Code.FILE_MISSING, "a mask", s -> Files.delete(s.first("label", "test"))),
        binary(
            Code.FILE_NAME_DIFFERS,
            "suffix in capitals",
            s -> {
              Path file = s.first("A", "val");
              Files.move(
                  file, file.resolveSibling(file.getFileName().toString().replace(".png", ".PNG")));
            }),
        binary(
            Code.FILE_EXTRA,
            "a mask of long ago",
            s -> Files.copy(s.first("label", "train"), s.root.resolve("label/old.png"))),
        binary(Code.FILE_EMPTY, "0 bytes", s -> Files.write(s.first("A", "train"), new byte[0])),
        binary(
            Code.FILE_UNREADABLE,
            "text",
            s -> Files.writeString(s.first("B", "val"), "<html>404 Not Found</html>")),
        binary(
            Code.FILE_UNREADABLE,
            "a folder",
            s -> {
              Path file = s.first("B", "val");
              Files.delete(file);
              Files.createDirectories(file);
            }),
        binary(
            Code.FILE_DAMAGED,
            "cut short",
            s -> {
              Path file = s.first("A", "test");
              byte[] bytes = Files.readAllBytes(file);
              Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
            }),
        binary(
            Code.FILE_DAMAGED,
            "a mask of 20 bytes",
            s -> {
              Path file = s.first("label", "test");
              Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 20));
            }),
        binary(
            Code.FILE_DAMAGED,
            "a bit flipped inside the pixels",
            s -> {
              Path file = s.first("A", "train");
              byte[] bytes = Files.readAllBytes(file);
              bytes[bytes.length / 2] ^= 4;
              Files.write(file, bytes);
            }),
        binary(
            Code.FORMAT_SUFFIX,
            "JPEG called png",
            s -> {
              Path file = s.first("A", "train");
              ImageWriter.writeJpeg(file, ImageReader.readRgb(file), 0.95f);
            }));
  }

  private static List<Fault> pictures() {
    return List.of(
        binary(Code.PAIR_SIZE, "another shape", s -> FaultySet.cut(s.first("B", "train"), 64, 40)),
        binary(
            Code.MASK_SIZE,
            "half the rows",
            s -> FaultySet.cutMask(s.first("label", "train"), 64, 32)),
        binary(
            Code.NOT_SQUARE,
            "64x48",
            s -> {
              FaultySet.cut(s.first("A", "train"), 64, 48);
              FaultySet.cut(s.first("B", "train"), 64, 48);
              FaultySet.cutMask(s.first("label", "train"), 64, 48);
            }),
        binary(
            Code.PICTURE_DEPTH,
            "12 bits in 16",
            s -> {
              BufferedImage deep = new BufferedImage(64, 64, BufferedImage.TYPE_USHORT_GRAY);
              RgbImage image = ImageReader.readRgb(s.first("A", "train"));
              for (int y = 0; y < 64; y++) {
                for (int x = 0; x < 64; x++) {
                  deep.getRaster().setSample(x, y, 0, image.get(x, y, 0) << 4);
                }
              }
              FaultySet.write(s.first("A", "train"), deep);
            }),
        binary(
            Code.PICTURE_BLANK,
            "black",
            s -> ImageWriter.writePng(s.first("B", "train"), RgbImage.black(64, 64))),
        binary(
            Code.PAIR_IDENTICAL,
            "A copied to B",
            s -> {
              Path changed = changed(s);
              Files.write(
                  s.root.resolve("B").resolve(changed.getFileName()),
                  Files.readAllBytes(s.root.resolve("A").resolve(changed.getFileName())));
            }),
        binary(
            Code.SHIFT,
            "all of B",
            s -> {
              try (Stream<Path> files = Files.list(s.root.resolve("B"))) {
                files.toList().forEach(f -> FaultySet.shift(f, 6, 4));
              }
            }));
  }

  /** A training mask with change. */
  private static Path changed(FaultySet s) {
    return s.names("train").stream()
        .map(n -> s.root.resolve("label").resolve(n))
        .filter(f -> MaskFacts.of(ImageReader.readMask(f)).highest() == 255)
        .findFirst()
        .orElseThrow();
  }

  private static List<Fault> masks() {
    return List.of(
        binary(
            Code.MASK_CHANNELS,
            "grey as RGBA",
            s -> {
              Path file = s.first("label", "train");
              FaultySet.write(file, FaultySet.repeated(file, BufferedImage.TYPE_INT_ARGB));
            }),
        several(
            Code.MASK_CHANNELS,
            "colours of color_map",
            s -> {
              s.colors = COLORS;
              color(s.first("label", "train"));
            }),
        several(Code.MASK_CHANNELS, "colours without a map", s -> color(s.first("label", "train"))),
        several(
            Code.MASK_DEPTH,
            "value 256",
            s -> {
              BufferedImage deep = new BufferedImage(64, 64, BufferedImage.TYPE_USHORT_GRAY);
              deep.getRaster().setSample(5, 6, 0, 256);
              FaultySet.write(s.first("label", "train"), deep);
            }),
        several(
            Code.MASK_DEPTH,
            "three channels of 16 bits",
            s -> {
              ColorModel model =
                  new ComponentColorModel(
                      ColorSpace.getInstance(ColorSpace.CS_sRGB),
                      false,
                      false,
                      Transparency.OPAQUE,
                      DataBuffer.TYPE_USHORT);
              WritableRaster raster = model.createCompatibleWritableRaster(64, 64);
              raster.setPixel(5, 6, new int[] {1, 1, 1});
              FaultySet.write(
                  s.first("label", "train"), new BufferedImage(model, raster, false, null));
            }),
        binary(
            Code.MASK_LOSSY,
            "JPEG",
            s -> {
              Path file = changed(s);
              Mask mask = ImageReader.readMask(file);
              BufferedImage grey =
                  new BufferedImage(mask.width(), mask.height(), BufferedImage.TYPE_BYTE_GRAY);
              grey.getRaster().setDataElements(0, 0, mask.width(), mask.height(), mask.values());
              javax.imageio.ImageIO.write(grey, "jpeg", file.toFile());
            }),
        binary(Code.MASK_PALETTE, "index 255", s -> palette(s.first("label", "train"), false)),
        several(
            Code.MASK_PALETTE,
            "colours in another order",
            s -> {
              s.colors = COLORS;
              palette(s.first("label", "train"), true);
            }),
        several(
            Code.MASK_VALUES,
            "9 of 4 classes",
            s -> FaultySet.mask(s.first("label", "train"), v -> v == 3 ? 9 : v)),
        binary(
            Code.MASKS_LOST,
            "0 and 1",
            s -> List.of("train", "val", "test").forEach(x -> s.eachMask(x, v -> v / 255))),
        several(
            Code.MASKS_LOST,
            "class numbers and norm",
            s -> s.settings = s.settings.withClasses(FaultySet.CLASSES, "norm")),
        binary(Code.MASKS_IGNORED, "255 kept", s -> s.settings = s.settings.withClasses(2, "None")),
        binary(Code.MASK_MIXED, "one of 0 and 1", s -> FaultySet.mask(changed(s), v -> v / 255)),
        several(
            Code.MASK_MIXED,
            "one of 0 and 255",
            s -> FaultySet.mask(s.first("label", "train"), v -> v > 0 ? 255 : 0)),
        binary(
            Code.MASK_BETWEEN,
            "254 beside 255",
            s -> {
              int[] seen = new int[1];
              FaultySet.mask(changed(s), v -> v == 255 && seen[0]++ == 0 ? 254 : v);
            }),
        several(
            Code.MASK_ALL_IGNORED,
            "nothing but 255",
            s -> FaultySet.mask(s.first("label", "val"), v -> 255)),
        several(
            Code.CLASS_ZERO_EMPTY,
            "counted from 1",
            s -> {
              List.of("train", "val", "test").forEach(x -> s.eachMask(x, v -> v + 1));
              s.settings = s.settings.withClasses(FaultySet.CLASSES + 1, "None");
            }));
  }

  private static void color(Path file) throws IOException {
    Mask mask = ImageReader.readMask(file);
    BufferedImage image =
        new BufferedImage(mask.width(), mask.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < mask.height(); y++) {
      for (int x = 0; x < mask.width(); x++) {
        List<Integer> c = COLORS.get(mask.get(x, y));
        image.setRGB(x, y, new Color(c.get(0), c.get(1), c.get(2)).getRGB());
      }
    }
    FaultySet.write(file, image);
  }

  /** Stores a mask as indices into COLORS; reversed, index 1 has the colour of class 3. */
  private static void palette(Path file, boolean reversed) throws IOException {
    Mask mask = ImageReader.readMask(file);
    byte[][] channels = new byte[3][256];
    for (int i = 0; i < 256; i++) {
      List<Integer> c = i > 3 ? List.of(9, 9, 9) : COLORS.get(reversed && i > 0 ? 4 - i : i);
      for (int k = 0; k < 3; k++) {
        channels[k][i] = (byte) (int) c.get(k);
      }
    }
    BufferedImage image =
        new BufferedImage(
            mask.width(),
            mask.height(),
            BufferedImage.TYPE_BYTE_INDEXED,
            new IndexColorModel(8, 256, channels[0], channels[1], channels[2]));
    image.getRaster().setDataElements(0, 0, mask.width(), mask.height(), mask.values());
    FaultySet.write(file, image);
  }

  private static List<Fault> classes() {
    return List.of(
        binary(Code.NO_CHANGE, "test", s -> s.eachMask("test", v -> 0)),
        several(Code.CLASS_EMPTY, "3 in val", s -> s.eachMask("val", v -> v == 3 ? 0 : v)),
        several(Code.CLASS_EMPTY, "2 in train", s -> s.eachMask("train", v -> v == 2 ? 0 : v)),
        binary(
            Code.CLASS_RARE,
            "one pixel a mask",
            s -> {
              int[] left = {6};
              s.eachMask("train", v -> v == 255 && left[0]-- > 0 ? 255 : 0);
            }),
        binary(Code.CHANGE_DOMINANT, "inverted", s -> s.eachMask("train", v -> 255 - v)));
  }

  private static List<Fault> twins() {
    return List.of(
        binary(
            Code.LEAK,
            "a training pair in test",
            s -> {
              s.copyPair(s.names("train").getFirst(), "other.png");
              s.add("test", "other.png");
            }),
        binary(
            Code.LEAK_NEAR,
            "brighter and compressed in val",
            s -> {
              s.copyPair(s.names("train").getFirst(), "other.png");
              for (String side : List.of("A", "B")) {
                Path file = s.root.resolve(side).resolve("other.png");
                RgbImage image = ImageReader.readRgb(file);
                byte[] pixels = new byte[image.pixels().length];
                for (int i = 0; i < pixels.length; i++) {
                  pixels[i] = (byte) (10 + (image.pixels()[i] & 0xFF) * 9 / 10);
                }
                Path jpeg = s.root.resolve("x.jpg");
                ImageWriter.writeJpeg(jpeg, new RgbImage(64, 64, pixels), 0.9f);
                ImageWriter.writePng(file, ImageReader.readRgb(jpeg));
                Files.delete(jpeg);
              }
              s.add("val", "other.png");
            }),
        binary(
            Code.DUPLICATE_PAIR,
            "in train",
            s -> {
              s.copyPair(s.names("train").getFirst(), "other.png");
              s.add("train", "other.png");
            }));
  }

  @Test
  void theReportDoesNotDependOnTheThreads() throws IOException {
    FaultySet set = set(2);
    set.copyPair(set.names("train").getFirst(), "other.png");
    set.add("val", "other.png");
    Files.delete(set.first("B", "test"));
    FaultySet.mask(changed(set), v -> v / 255);
    String one = ReportJson.of(set.examine(1));
    assertThat(one).contains("\"leak\"", "\"file-missing\"", "\"mask-mixed\"");
    assertThat(ReportJson.of(set.examine(5))).isEqualTo(one);
  }
}
