package dev.changenet.train;

/**
 * Where tiles lie along one side of a picture, and how much each counts in each pixel.
 *
 * <p>The tiles are spread evenly. Towards a neighbour the weight of a tile falls linearly over the
 * overlap that was asked for; the weights of all tiles in a pixel sum to 1. Since the tiles form a
 * grid, the weight in the plane is the product of those of both axes.
 */
final class TileAxis {
  private final int[] starts;
  private final float[][] weights;

  /**
   * @param length pixels of the picture's side
   * @param tile pixels of a tile's side; may be more than {@code length}
   * @param overlap least part of a tile that lies on its neighbour, 0–0.5
   */
  TileAxis(int length, int tile, double overlap) {
    int ramp = Math.max(1, (int) Math.round(tile * overlap));
    int count = count(length, tile, overlap);
    starts = new int[count];
    for (int i = 1; i < count; i++) {
      starts[i] = Math.toIntExact(Math.round((double) i * (length - tile) / (count - 1)));
    }
    weights = new float[count][tile];
    double[] sums = new double[Math.max(length, tile)];
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < count; i++) {
        for (int d = 0; d < tile; d++) {
          double left = i == 0 ? ramp : d + 0.5;
          double right = i == count - 1 ? ramp : tile - d - 0.5;
          double raw = Math.min(ramp, Math.min(left, right));
          if (pass == 0) {
            sums[starts[i] + d] += raw;
          } else {
            weights[i][d] = (float) (raw / sums[starts[i] + d]);
          }
        }
      }
    }
  }

  /** Number of tiles along a side, at least 1. */
  static int count(int length, int tile, double overlap) {
    int step = Math.max(1, tile - (int) Math.round(tile * overlap));
    return length <= tile ? 1 : Math.ceilDiv(length - tile, step) + 1;
  }

  /** Number of tiles, at least 1. */
  int count() {
    return starts.length;
  }

  /** First pixel of tile {@code i}. */
  int start(int i) {
    return starts[i];
  }

  /** Weight of tile {@code i} in its pixel {@code d}, above 0 up to 1. */
  float weight(int i, int d) {
    return weights[i][d];
  }
}
