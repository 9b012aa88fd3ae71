package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * The 4×4 tiles of a map's output and the 6×6 input patches below them, for a 3×3 convolution with
 * stride 1.
 *
 * @param h height of the input map
 * @param oh height of the output map
 */
record WinogradTiles(int batch, int h, int w, int oh, int ow, int padding) {
  /** Output pixels of a tile along one axis. */
  static final int OUT = 4;

  /** Input pixels of a tile along one axis. */
  static final int IN = 6;

  /** Products of a tile. */
  static final int POINTS = IN * IN;

  int rows() {
    return (oh + OUT - 1) / OUT;
  }

  int columns() {
    return (ow + OUT - 1) / OUT;
  }

  int count() {
    return batch * rows() * columns();
  }

  private int image(int tile) {
    return tile / columns() / rows();
  }

  /** First output row of a tile. */
  int y(int tile) {
    return tile / columns() % rows() * OUT;
  }

  /** First output column of a tile. */
  int x(int tile) {
    return tile % columns() * OUT;
  }

  /** Index of the tile's first pixel in the output map. */
  int outPixel(int tile) {
    return (image(tile) * oh + y(tile)) * ow + x(tile);
  }

  /**
   * Transforms the input patch of a tile: channel c of point p goes to dst[dp + p·pointStep + c /
   * piece·pieceStep + c mod piece].
   *
   * @param x [batch, h, w, channels]
   * @param work of 2·36·channels floats
   */
  void transformInput(
      int tile, float[] x, int channels, float[] work, float[] dst, int dp, int pointStep,
      int piece, int pieceStep) {
    int y0 = y(tile) - padding;
    int x0 = x(tile) - padding;
    int line = IN * channels;
    float[] source = x;
    int from = ((image(tile) * h + y0) * w + x0) * channels;
    int rowStep = w * channels;
    if (y0 < 0 || x0 < 0 || y0 + IN > h || x0 + IN > w) {
      copyPatch(x, image(tile) * h, y0, h, x0, w, IN, channels, work, IN * line);
      source = work;
      from = IN * line;
      rowStep = line;
    }
    WinogradTransforms.input(source, from, rowStep, work, 0, line, line);
    for (int r = 0; r < IN; r++) {
      for (int c = 0; c < channels; c += piece) {
        WinogradTransforms.input(
            work, r * line + c, channels, dst,
            dp + r * IN * pointStep + c / piece * pieceStep, pointStep,
            Math.min(piece, channels - c));
      }
    }
  }

  /**
   * Transforms the output gradient of a tile: channel c of point p goes to dst[dp + p·pointStep + c].
   *
   * @param g [batch, oh, ow, channels]
   * @param work of 2·36·channels floats
   */
  void transformGradient(
      int tile, float[] g, int channels, float[] work, float[] dst, int dp, int pointStep) {
    int line = OUT * channels;
    float[] source = g;
    int from = outPixel(tile) * channels;
    int rowStep = ow * channels;
    if (y(tile) + OUT > oh || x(tile) + OUT > ow) {
      copyPatch(
          g, image(tile) * oh, y(tile), oh, x(tile), ow, OUT, channels, work, POINTS * channels);
      source = work;
      from = POINTS * channels;
      rowStep = line;
    }
    WinogradTransforms.outputGradient(source, from, rowStep, work, 0, line, line);
    for (int r = 0; r < IN; r++) {
      WinogradTransforms.outputGradient(
          work, r * line, channels, dst, dp + r * IN * pointStep, pointStep, channels);
    }
  }

  /** Copies size × size pixels from (y0, x0) on, zero outside the map. */
  private static void copyPatch(
      float[] x, int firstRow, int y0, int h, int x0, int w, int size, int channels, float[] dst,
      int dp) {
    for (int r = 0; r < size; r++) {
      int y = y0 + r;
      for (int k = 0; k < size; k++) {
        int column = x0 + k;
        int to = dp + (r * size + k) * channels;
        if (y >= 0 && y < h && column >= 0 && column < w) {
          System.arraycopy(x, ((firstRow + y) * w + column) * channels, dst, to, channels);
        } else {
          Arrays.fill(dst, to, to + channels, 0f);
        }
      }
    }
  }
}
