package dev.changenet.image;

import java.util.Arrays;

/**
 * Resizes maps of numbers bilinearly, averaging where they shrink.
 *
 * <p>Source: Pillow's {@code Image.resize} with the triangle filter, mode F: support 1 that grows
 * with the reduction factor, two passes (rows first), sums in double, rounded to float after each.
 */
public final class BilinearResize {
  private BilinearResize() {}

  /**
   * Returns {@code in} [height, width, channels] as [newHeight, newWidth, channels]; itself if that
   * is its size.
   */
  public static float[] apply(
      float[] in, int width, int height, int channels, int newWidth, int newHeight) {
    float[] rows = width == newWidth ? in : pass(in, height, width, newWidth, channels);
    return height == newHeight ? rows : pass(rows, 1, height, newHeight, newWidth * channels);
  }

  /** Resizes the middle axis: [outer, from, inner] becomes [outer, to, inner]. */
  private static float[] pass(float[] in, int outer, int from, int to, int inner) {
    float[] out = new float[Math.multiplyExact(Math.multiplyExact(outer, to), inner)];
    double scale = (double) from / to;
    double filterScale = Math.max(scale, 1.0);
    double[] sums = new double[inner];
    for (int i = 0; i < to; i++) {
      double center = (i + 0.5) * scale;
      int min = Math.max((int) (center - filterScale + 0.5), 0);
      int max = Math.min((int) (center + filterScale + 0.5), from);
      double[] weights = weights(center, min, max, filterScale);
      for (int o = 0; o < outer; o++) {
        Arrays.fill(sums, 0);
        for (int k = 0; k < weights.length; k++) {
          int source = (o * from + min + k) * inner;
          for (int c = 0; c < inner; c++) {
            sums[c] += in[source + c] * weights[k];
          }
        }
        int target = (o * to + i) * inner;
        for (int c = 0; c < inner; c++) {
          out[target + c] = (float) sums[c];
        }
      }
    }
    return out;
  }

  private static double[] weights(double center, int min, int max, double filterScale) {
    double[] weights = new double[max - min];
    double sum = 0;
    for (int k = 0; k < weights.length; k++) {
      double distance = Math.abs((k + min - center + 0.5) / filterScale);
      weights[k] = Math.max(0, 1 - distance);
      sum += weights[k];
    }
    for (int k = 0; k < weights.length; k++) {
      weights[k] /= sum;
    }
    return weights;
  }
}
