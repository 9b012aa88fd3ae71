package dev.changenet.data;

import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import dev.changenet.nn.random.RandomStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Small random data sets on disk. */
final class DataSetFixture {
  private DataSetFixture() {}

  /** Writes {@code count} pairs of different sizes, named s0.png …, and one list for each split. */
  static DataSettings write(Path root, int count) throws IOException {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = "s" + i + ".png";
      names.add(name);
      int width = 20 + i;
      ImageWriter.writePng(root.resolve("A").resolve(name), image(i, width, 24));
      ImageWriter.writePng(root.resolve("B").resolve(name), image(1000 + i, width, 24));
      byte[] values = new byte[width * 24];
      RandomStream random = RandomStream.of(i, "mask");
      for (int k = 0; k < values.length; k++) {
        values[k] = (byte) (random.nextInt(2) * 255);
      }
      ImageWriter.writePng(root.resolve("label").resolve(name), new Mask(width, 24, values));
    }
    Files.createDirectories(root.resolve("list"));
    for (String split : List.of("train", "val", "test", "predict")) {
      Files.write(root.resolve("list").resolve(split + ".txt"), names);
    }
    return DataSettings.of(root).withImgSize(32).withBatchSize(3).withWorkers(0);
  }

  static RgbImage image(long seed, int width, int height) {
    RgbImage image = RgbImage.black(width, height);
    RandomStream random = RandomStream.of(seed, "image");
    for (int i = 0; i < image.pixels().length; i++) {
      image.pixels()[i] = (byte) random.nextInt(256);
    }
    return image;
  }
}
