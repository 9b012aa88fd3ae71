package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.Device;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inference takes images of any size and kind. */
class OddImagesTest {
  private static final int SIZE = 32;

  private record Kind(String format, int type, int width, int height) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("png", BufferedImage.TYPE_INT_RGB, 1, 1),
          new Kind("png", BufferedImage.TYPE_INT_ARGB, 33, 31),
          new Kind("png", BufferedImage.TYPE_BYTE_GRAY, 257, 63),
          new Kind("png", BufferedImage.TYPE_USHORT_GRAY, 64, 128),
          new Kind("png", BufferedImage.TYPE_BYTE_INDEXED, 50, 50),
          new Kind("png", BufferedImage.TYPE_BYTE_BINARY, 17, 90),
          new Kind("png", BufferedImage.TYPE_3BYTE_BGR, 32, 32),
          new Kind("png", BufferedImage.TYPE_4BYTE_ABGR, 31, 33),
          new Kind("jpg", BufferedImage.TYPE_INT_RGB, 700, 33),
          new Kind("jpg", BufferedImage.TYPE_BYTE_GRAY, 9, 640),
          new Kind("jpg", BufferedImage.TYPE_3BYTE_BGR, 1, 200),
          new Kind("bmp", BufferedImage.TYPE_INT_RGB, 41, 43),
          new Kind("bmp", BufferedImage.TYPE_BYTE_INDEXED, 16, 16),
          new Kind("gif", BufferedImage.TYPE_BYTE_INDEXED, 37, 29),
          new Kind("tif", BufferedImage.TYPE_INT_RGB, 100, 20),
          new Kind("tif", BufferedImage.TYPE_BYTE_GRAY, 20, 100));

  @TempDir Path folder;

  @Test
  void sixteenKindsOfImagesAreAllPredicted() throws IOException {
    List<String> names = new ArrayList<>();
    Files.createDirectories(folder.resolve("A"));
    Files.createDirectories(folder.resolve("B"));
    for (int i = 0; i < KINDS.size(); i++) {
      Kind kind = KINDS.get(i);
      String name = "image" + i + "." + kind.format();
      names.add(name);
      write(folder.resolve("A").resolve(name), kind, 0, i);
      // The second image of a pair may be of another size than the first.
      write(folder.resolve("B").resolve(name), kind, i % 2 == 1 ? 5 : 0, 100 + i);
    }
    Files.createDirectories(folder.resolve("list"));
    Files.write(folder.resolve("list/predict.txt"), names);
    Path spec = folder.resolve("spec.yaml");
    Files.writeString(
        spec,
        """
        results_dir: %s
        model:
          backbone: {type: fan_tiny_8_p4_hybrid}
          decode_head: {decoder_params: {embed_dim: 8}}
        dataset: {segment: {root_dir: %s, img_size: %d, batch_size: 5}}
        inference: {checkpoint: %s}
        """
            .formatted(folder.resolve("out"), folder, SIZE, checkpoint()));
    TaskRunner.run(
        ExperimentSpec.load(spec, List.of(), Task.INFERENCE, Map.of()),
        Reporter.SILENT,
        new Interruption());
    for (String name : names) {
      Path out = folder.resolve("out/inference");
      BufferedImage picture = ImageIO.read(out.resolve(name + ".jpg").toFile());
      assertThat(picture.getWidth()).as(name).isEqualTo(SIZE);
      Path combined = out.resolve("combined_visualisation").resolve(name + ".jpg");
      assertThat(ImageIO.read(combined.toFile()).getWidth()).as(name).isEqualTo(3 * SIZE + 20);
    }
  }

  private Path checkpoint() {
    try (ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2));
        Sgd optimizer = new Sgd(net.parameters(), 0.1, 0.9, 0)) {
      net.initialize(1);
      return Checkpoint.save(
          folder, "model.pth", net, optimizer, new Checkpoint.Progress(0, 0, 0, 0, 0.1, 0));
    }
  }

  private static void write(Path file, Kind kind, int grow, long seed) throws IOException {
    BufferedImage image = new BufferedImage(kind.width() + grow, kind.height() + grow, kind.type());
    Random random = new Random(seed);
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        image.setRGB(x, y, 0xFF000000 | random.nextInt(1 << 24));
      }
    }
    assertThat(ImageIO.write(image, kind.format(), file.toFile())).as(file.toString()).isTrue();
  }
}
