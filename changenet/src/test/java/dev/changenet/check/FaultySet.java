package dev.changenet.check;

import dev.changenet.check.CheckSettings.Depth;
import dev.changenet.data.DataSettings;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/** A copy of a clean data set, and ways to spoil it. */
final class FaultySet {
  static final int CLASSES = 4;

  final Path root;
  DataSettings settings;
  List<List<Integer>> colors = List.of();
  Depth depth = Depth.FULL;

  /**
   * @param classes 2 for masks of 0 and 255, {@link #CLASSES} for class numbers
   */
  FaultySet(Path root, int classes) {
    this.root = root;
    this.settings =
        DataSettings.of(root)
            .withBatchSize(4)
            .withImgSize(64)
            .withClasses(classes, classes == 2 ? "norm" : "None");
  }

  static FaultySet copy(Path clean, Path to, int classes) throws IOException {
    try (Stream<Path> files = Files.walk(clean)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = to.resolve(clean.relativize(file));
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
    return new FaultySet(to, classes);
  }

  CheckReport examine(int threads) {
    return DataDoctor.examine(
        new CheckSettings(
            settings,
            Map.of(
                Role.TRAIN,
                "train",
                Role.VALIDATION,
                "val",
                Role.TEST,
                "test",
                Role.PREDICT,
                "predict"),
            colors,
            List.of(),
            depth,
            threads),
        Progress.SILENT);
  }

  List<String> names(String split) {
    try {
      return Files.readAllLines(root.resolve("list").resolve(split + ".txt"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first file of a split in a folder. */
  Path first(String folder, String split) {
    return root.resolve(folder).resolve(names(split).getFirst());
  }

  void add(String split, String name) throws IOException {
    Files.writeString(
        root.resolve("list").resolve(split + ".txt"), name + "\n", StandardOpenOption.APPEND);
  }

  /** Copies a pair and its mask under another name. */
  void copyPair(String from, String to) throws IOException {
    for (String folder : List.of("A", "B", "label")) {
      Files.copy(
          root.resolve(folder).resolve(from),
          root.resolve(folder).resolve(to),
          StandardCopyOption.REPLACE_EXISTING);
    }
  }

  void eachMask(String split, IntUnaryOperator change) {
    names(split).forEach(n -> mask(root.resolve("label").resolve(n), change));
  }

  static void mask(Path file, IntUnaryOperator change) {
    Mask mask = ImageReader.readMask(file);
    byte[] values = new byte[mask.values().length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) change.applyAsInt(mask.values()[i] & 0xFF);
    }
    ImageWriter.writePng(file, new Mask(mask.width(), mask.height(), values));
  }

  /** Cuts a picture to its upper left part. */
  static void cut(Path file, int width, int height) {
    RgbImage image = ImageReader.readRgb(file);
    RgbImage out = RgbImage.black(width, height);
    for (int y = 0; y < height; y++) {
      System.arraycopy(
          image.pixels(), y * image.width() * 3, out.pixels(), y * width * 3, width * 3);
    }
    ImageWriter.writePng(file, out);
  }

  static void cutMask(Path file, int width, int height) {
    Mask mask = ImageReader.readMask(file);
    byte[] values = new byte[width * height];
    for (int y = 0; y < height; y++) {
      System.arraycopy(mask.values(), y * mask.width(), values, y * width, width);
    }
    ImageWriter.writePng(file, new Mask(width, height, values));
  }

  /** Moves the content of a picture to the right and down; the border is repeated. */
  static void shift(Path file, int dx, int dy) {
    RgbImage image = ImageReader.readRgb(file);
    RgbImage out = RgbImage.black(image.width(), image.height());
    for (int y = 0; y < out.height(); y++) {
      for (int x = 0; x < out.width(); x++) {
        for (int c = 0; c < 3; c++) {
          out.pixels()[(y * out.width() + x) * 3 + c] =
              (byte) image.get(Math.max(0, x - dx), Math.max(0, y - dy), c);
        }
      }
    }
    ImageWriter.writePng(file, out);
  }

  /** Writes a picture through the Java library, for the forms that the product never writes. */
  static void write(Path file, BufferedImage image) throws IOException {
    if (!ImageIO.write(image, "png", file.toFile())) {
      throw new IOException("no writer for " + image);
    }
  }

  /** A mask's values as a picture of a type of {@link BufferedImage}, all channels alike. */
  static BufferedImage repeated(Path maskFile, int type) {
    Mask mask = ImageReader.readMask(maskFile);
    BufferedImage image = new BufferedImage(mask.width(), mask.height(), type);
    for (int y = 0; y < mask.height(); y++) {
      for (int x = 0; x < mask.width(); x++) {
        int v = mask.get(x, y);
        image.setRGB(x, y, 0xFF000000 | v << 16 | v << 8 | v);
      }
    }
    return image;
  }
}
