package dev.changenet.nn.state;

/**
 * Bicubic resizing of stored maps as {@code torch.nn.functional.interpolate} does it: Keys' kernel
 * with a = −0.75, samples beyond the border repeat it, no antialiasing. Sums are in double.
 */
final class Bicubic {
  private static final double A = -0.75;
  private static final int TAPS = 4;

  private Bicubic() {}

  /** Where the samples of the result lie in the source. */
  enum Alignment {
    /** Pixels are areas: centre i is at (i + 0.5) · in / out − 0.5. */
    HALF_PIXEL,
    /** The outermost samples of both maps coincide. */
    CORNERS
  }

  /** For each result position four source positions and their weights. */
  private record Axis(int[] from, double[] weight) {
    static Axis of(int in, int out, Alignment alignment) {
      int[] from = new int[out * TAPS];
      double[] weight = new double[out * TAPS];
      for (int i = 0; i < out; i++) {
        double x =
            switch (alignment) {
              case HALF_PIXEL -> (i + 0.5) * in / out - 0.5;
              case CORNERS -> out == 1 ? 0 : (double) i * (in - 1) / (out - 1);
            };
        int floor = (int) Math.floor(x);
        for (int t = 0; t < TAPS; t++) {
          int at = floor - 1 + t;
          from[i * TAPS + t] = Math.clamp(at, 0, in - 1);
          weight[i * TAPS + t] = kernel(Math.abs(x - at));
        }
      }
      return new Axis(from, weight);
    }

    private static double kernel(double d) {
      return d <= 1
          ? ((A + 2) * d - (A + 3)) * d * d + 1
          : ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
    }
  }

  /**
   * Resizes {@code maps} square maps of side {@code in} to side {@code out}.
   *
   * @param x [maps, in, in, channels], beginning at {@code start}
   * @return [maps, out, out, channels]
   */
  static float[] resize(
      float[] x, int start, int maps, int in, int channels, int out, Alignment alignment) {
    Axis axis = Axis.of(in, out, alignment);
    float[] result = new float[Math.multiplyExact(maps * channels, out * out)];
    int width = in * channels;
    double[] rows = new double[out * width];
    for (int m = 0; m < maps; m++) {
      int map = start + m * in * width;
      for (int y = 0; y < out; y++) {
        for (int j = 0; j < width; j++) {
          double sum = 0;
          for (int t = 0; t < TAPS; t++) {
            int k = y * TAPS + t;
            sum += axis.weight[k] * x[map + axis.from[k] * width + j];
          }
          rows[y * width + j] = sum;
        }
      }
      for (int y = 0; y < out; y++) {
        int row = y * width;
        for (int i = 0; i < out; i++) {
          for (int c = 0; c < channels; c++) {
            double sum = 0;
            for (int t = 0; t < TAPS; t++) {
              int k = i * TAPS + t;
              sum += axis.weight[k] * rows[row + axis.from[k] * channels + c];
            }
            result[((m * out + y) * out + i) * channels + c] = (float) sum;
          }
        }
      }
    }
    return result;
  }
}
