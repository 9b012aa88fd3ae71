package dev.changenet.image;

import java.util.Arrays;

/**
 * Resizes pictures (bicubic, anti-aliased) and masks (nearest) to any size.
 *
 * <p>Source: Pillow's {@code Image.resize}, bit for bit: bicubic with a = −0.5 whose support grows
 * with the reduction factor, two passes (rows first), coefficients in 22-bit fixed point, rounded
 * and clamped to 8 bits after each pass.
 */
public final class Resize {
  private static final int PRECISION_BITS = 32 - 8 - 2;
  private static final double SUPPORT = 2.0;
  private static final double A = -0.5;

  private Resize() {}

  /** Returns {@code image} scaled to {@code width}×{@code height}; itself if it has that size. */
  public static RgbImage bicubic(RgbImage image, int width, int height) {
    int bytes = Dimensions.bytes(width, height, RgbImage.CHANNELS);
    if (image.width() == width && image.height() == height) {
      return image;
    }
    byte[] rows = image.pixels();
    if (image.width() != width) {
      rows = horizontal(rows, image.width(), image.height(), width);
    }
    if (image.height() != height) {
      rows = vertical(rows, width, image.height(), height, bytes);
    }
    return new RgbImage(width, height, rows);
  }

  /**
   * Returns {@code mask} scaled to {@code width}×{@code height}: each target pixel takes the source
   * pixel under its centre, index {@code floor((i + 0.5) · in / out)}.
   */
  public static Mask nearest(Mask mask, int width, int height) {
    byte[] out = new byte[Dimensions.bytes(width, height, 1)];
    if (mask.width() == width && mask.height() == height) {
      return mask;
    }
    int[] columns = nearestPositions(mask.width(), width);
    int[] lines = nearestPositions(mask.height(), height);
    byte[] in = mask.values();
    for (int y = 0; y < height; y++) {
      int row = lines[y] * mask.width();
      for (int x = 0; x < width; x++) {
        out[y * width + x] = in[row + columns[x]];
      }
    }
    return new Mask(width, height, out);
  }

  private static int[] nearestPositions(int in, int out) {
    // Pillow adds the step up instead of multiplying; where a centre falls exactly on a pixel
    // border, the accumulated rounding decides which side is taken.
    double step = (double) in / out;
    double position = step * 0.5;
    int[] positions = new int[out];
    for (int i = 0; i < out; i++) {
      positions[i] = Math.min((int) position, in - 1);
      position += step;
    }
    return positions;
  }

  /** For each output position the first source index and the fixed-point weights from there on. */
  private record Taps(int[] first, int[][] weights) {}

  private static Taps taps(int in, int out) {
    double scale = (double) in / out;
    double filterScale = Math.max(scale, 1.0);
    double support = SUPPORT * filterScale;
    int[] first = new int[out];
    int[][] weights = new int[out][];
    for (int i = 0; i < out; i++) {
      double center = (i + 0.5) * scale;
      int min = Math.max((int) (center - support + 0.5), 0);
      int count = Math.min((int) (center + support + 0.5), in) - min;
      double[] w = new double[count];
      double sum = 0.0;
      for (int k = 0; k < count; k++) {
        w[k] = cubic((k + min - center + 0.5) * (1.0 / filterScale));
        sum += w[k];
      }
      int[] fixed = new int[count];
      for (int k = 0; k < count; k++) {
        double v = (sum != 0.0 ? w[k] / sum : w[k]) * (1 << PRECISION_BITS);
        fixed[k] = (int) (v < 0 ? v - 0.5 : v + 0.5);
      }
      first[i] = min;
      weights[i] = fixed;
    }
    return new Taps(first, weights);
  }

  private static double cubic(double x) {
    double t = Math.abs(x);
    if (t < 1.0) {
      return ((A + 2.0) * t - (A + 3.0)) * t * t + 1;
    }
    if (t < 2.0) {
      return (((t - 5) * t + 8) * t - 4) * A;
    }
    return 0.0;
  }

  private static byte[] horizontal(byte[] in, int inWidth, int height, int width) {
    Taps taps = taps(inWidth, width);
    byte[] out = new byte[Dimensions.bytes(width, height, RgbImage.CHANNELS)];
    int o = 0;
    for (int y = 0; y < height; y++) {
      int row = y * inWidth * RgbImage.CHANNELS;
      for (int x = 0; x < width; x++) {
        int[] w = taps.weights[x];
        int i = row + taps.first[x] * RgbImage.CHANNELS;
        int r = 1 << (PRECISION_BITS - 1);
        int g = r;
        int b = r;
        for (int weight : w) {
          r += (in[i] & 0xFF) * weight;
          g += (in[i + 1] & 0xFF) * weight;
          b += (in[i + 2] & 0xFF) * weight;
          i += RgbImage.CHANNELS;
        }
        out[o] = clip8(r);
        out[o + 1] = clip8(g);
        out[o + 2] = clip8(b);
        o += RgbImage.CHANNELS;
      }
    }
    return out;
  }

  private static byte[] vertical(byte[] in, int width, int inHeight, int height, int bytes) {
    Taps taps = taps(inHeight, height);
    int stride = width * RgbImage.CHANNELS;
    byte[] out = new byte[bytes];
    int[] sums = new int[stride];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sums, 1 << (PRECISION_BITS - 1));
      int i = taps.first[y] * stride;
      for (int weight : taps.weights[y]) {
        for (int x = 0; x < stride; x++) {
          sums[x] += (in[i + x] & 0xFF) * weight;
        }
        i += stride;
      }
      for (int x = 0; x < stride; x++) {
        out[y * stride + x] = clip8(sums[x]);
      }
    }
    return out;
  }

  private static byte clip8(int fixed) {
    return (byte) Math.clamp(fixed >> PRECISION_BITS, 0, 255);
  }
}
