package dev.changenet.export;

import dev.changenet.config.SegmentDataSpec;
import dev.changenet.data.SplitList;
import dev.changenet.image.DataException;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The pairs that a proof runs: the first ones of the data set where the spec names one that can be
 * read, else made-up pictures.
 *
 * @param pairs pictures
 * @param origin where they come from, for the user
 */
record ProofSamples(List<Pair> pairs, String origin) {
  /** Pictures before and after, of any size. */
  record Pair(RgbImage a, RgbImage b) {}

  static ProofSamples of(SegmentDataSpec data, int count, int height, int width) {
    String origin = "made-up pictures";
    if (data.rootDir() != null) {
      origin += ", since no split of " + data.rootDir() + " can be read";
      for (String split : List.of(data.predictSplit(), data.testSplit())) {
        try {
          List<Pair> pairs = read(data, split, count);
          return new ProofSamples(pairs, "first of split " + split);
        } catch (DataException e) {
          // Export needs no data: other pictures will do, and the user is told.
          continue;
        }
      }
    }
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pairs.add(madeUp(new Random(1000 + i), height, width));
    }
    return new ProofSamples(pairs, origin);
  }

  private static List<Pair> read(SegmentDataSpec data, String split, int count) {
    Path root = data.rootDir();
    List<String> names = SplitList.read(root.resolve(data.listFolderName()), split).names();
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = names.get(i % names.size());
      pairs.add(
          new Pair(
              ImageReader.readRgb(root.resolve(data.imageFolderName()).resolve(name)),
              ImageReader.readRgb(root.resolve(data.changeImageFolderName()).resolve(name))));
    }
    return pairs;
  }

  /** Rectangles on a slope of brightness with some noise; the second picture lacks one in three. */
  private static Pair madeUp(Random random, int height, int width) {
    byte[] a = new byte[height * width * RgbImage.CHANNELS];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < RgbImage.CHANNELS; c++) {
          int slope = 60 + 80 * y / height + 40 * x / width;
          a[(y * width + x) * RgbImage.CHANNELS + c] = (byte) (slope + random.nextInt(16));
        }
      }
    }
    byte[] b = a.clone();
    for (int i = 0; i < 18; i++) {
      int top = random.nextInt(height);
      int left = random.nextInt(width);
      int h = 1 + random.nextInt(Math.max(1, height / 4));
      int w = 1 + random.nextInt(Math.max(1, width / 4));
      byte[] color = new byte[RgbImage.CHANNELS];
      random.nextBytes(color);
      for (int y = top; y < Math.min(height, top + h); y++) {
        for (int x = left; x < Math.min(width, left + w); x++) {
          for (int c = 0; c < RgbImage.CHANNELS; c++) {
            int at = (y * width + x) * RgbImage.CHANNELS + c;
            a[at] = color[c];
            b[at] = i % 3 == 0 ? b[at] : color[c];
          }
        }
      }
    }
    return new Pair(new RgbImage(width, height, a), new RgbImage(width, height, b));
  }

  /**
   * One picture of each of some pairs as a batch, [n, height, width, 3], normalised.
   *
   * @param first index of the first pair; they are taken in turn
   */
  float[] batch(SegmentDataSpec data, boolean second, int first, int n, int height, int width) {
    float[] out = new float[n * height * width * RgbImage.CHANNELS];
    List<Double> mean = data.augmentation().mean();
    List<Double> std = data.augmentation().std();
    int at = 0;
    for (int i = 0; i < n; i++) {
      Pair pair = pairs.get((first + i) % pairs.size());
      RgbImage image = Resize.bicubic(second ? pair.b() : pair.a(), width, height);
      byte[] pixels = image.pixels();
      for (int k = 0; k < pixels.length; k++) {
        int c = k % RgbImage.CHANNELS;
        out[at++] =
            ((pixels[k] & 0xff) / 255f - mean.get(c).floatValue()) / std.get(c).floatValue();
      }
    }
    return out;
  }
}
