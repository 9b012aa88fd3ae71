package dev.changenet.train;

import dev.changenet.check.Progress;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.image.ImageReader;
import dev.changenet.image.ImageWriter;
import dev.changenet.image.RgbImage;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.Device;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A network of random weights, pictures of random pixels, and inference on them. */
final class InferenceFixture {
  static final int SIZE = 32;

  private InferenceFixture() {}

  /** Writes a checkpoint of random weights. */
  static Path checkpoint(Path folder, int classes, long seed) {
    try (ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, classes));
        Sgd optimizer = new Sgd(net.parameters(), 0.1, 0.9, 0)) {
      net.initialize(seed);
      return Checkpoint.save(
          folder,
          "model" + classes + ".pth",
          net,
          optimizer,
          new Checkpoint.Progress(0, 0, 0, 0, 0.1, 0));
    }
  }

  /** Returns a picture of random squares. */
  static RgbImage picture(long seed, int width, int height) {
    RgbImage image = RgbImage.black(width, height);
    RandomStream random = RandomStream.of(seed, "picture");
    int columns = width / 8 + 1;
    int[] squares = new int[columns * (height / 8 + 1) * RgbImage.CHANNELS];
    for (int i = 0; i < squares.length; i++) {
      squares[i] = random.nextInt(256);
    }
    for (int i = 0; i < image.pixels().length; i++) {
      int x = i / RgbImage.CHANNELS % width;
      int y = i / RgbImage.CHANNELS / width;
      image.pixels()[i] =
          (byte) squares[(y / 8 * columns + x / 8) * RgbImage.CHANNELS + i % RgbImage.CHANNELS];
    }
    return image;
  }

  /** Writes pair {@code name} into {@code A} and {@code B} of {@code root}. */
  static void pair(Path root, String name, long seed, int width, int height) {
    ImageWriter.writePng(root.resolve("A").resolve(name), picture(seed, width, height));
    ImageWriter.writePng(root.resolve("B").resolve(name), picture(seed + 1000, width, height));
  }

  /** Runs inference in batches of 2; results go to {@code results}. */
  static CapturingReporter run(Path checkpoint, int classes, Path results, String... overrides)
      throws IOException {
    return run(checkpoint, classes, results, (label, done, total) -> {}, overrides);
  }

  /** The same with someone who is told the progress. */
  static CapturingReporter run(
      Path checkpoint, int classes, Path results, Progress progress, String... overrides)
      throws IOException {
    Path spec = results.resolveSibling("spec.yaml");
    Files.createDirectories(spec.getParent());
    Files.writeString(
        spec,
        """
        model:
          backbone: {type: fan_tiny_8_p4_hybrid}
          decode_head: {decoder_params: {embed_dim: 8}}
        dataset: {segment: {img_size: %d, batch_size: 2, workers: 0, num_classes: %d}}
        inference: {checkpoint: %s, results_dir: %s}
        """
            .formatted(SIZE, classes, checkpoint, results));
    CapturingReporter reporter = new CapturingReporter(progress);
    ExperimentSpec loaded = ExperimentSpec.load(spec, List.of(overrides), Task.INFERENCE, Map.of());
    TaskRunner.run(loaded, reporter, new Interruption());
    return reporter;
  }

  /** The overrides that name the folders of {@link #pair}. */
  static String[] folders(Path root, String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.add("inference.image_a=" + root.resolve("A"));
    all.add("inference.image_b=" + root.resolve("B"));
    return all.toArray(String[]::new);
  }

  /** The values [K, H, W] of a NumPy file of ours. */
  static float[] array(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(10 + bytes.getShort(8));
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  /** The most probable class of each pixel of [K, H, W]. */
  static byte[] mostProbable(float[] probabilities, int classes) {
    int pixels = probabilities.length / classes;
    byte[] ids = new byte[pixels];
    for (int i = 0; i < pixels; i++) {
      for (int k = 1; k < classes; k++) {
        if (probabilities[k * pixels + i] > probabilities[ids[i] * pixels + i]) {
          ids[i] = (byte) k;
        }
      }
    }
    return ids;
  }

  static byte[] mask(Path results, String name) {
    return ImageReader.readMask(results.resolve("mask").resolve(name)).values();
  }
}
