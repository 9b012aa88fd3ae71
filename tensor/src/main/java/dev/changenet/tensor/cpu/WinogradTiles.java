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

  /** Tiles transformed together; their intermediate values stay in the L2 cache. */
  static final int GROUP = 4;

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

  /** Floats of work that the transforms of tiles need. */
  static int workLength(int channels) {
    return (GROUP + 1) * POINTS * channels;
  }

  /**
   * Transforms the input patches of {@code count} tiles: channel c of point p of tile first + t
   * goes to dst[dp + t·tileStep + p·pointStep + c / piece·pieceStep + c mod piece].
   *
   * @param x [batch, h, w, channels]
   * @param count at most {@link #GROUP}
   * @param work of {@link #workLength} floats
   */
  void transformInputs(
      int first,
      int count,
      float[] x,
      int channels,
      float[] work,
      float[] dst,
      int dp,
      int tileStep,
      int pointStep,
      int piece,
      int pieceStep) {
    int line = IN * channels;
    int patch = GROUP * IN * line;
    for (int t = 0; t < count; t++) {
      int tile = first + t;
      int y0 = y(tile) - padding;
      int x0 = x(tile) - padding;
      if (y0 < 0 || x0 < 0 || y0 + IN > h || x0 + IN > w) {
        copyPatch(x, image(tile) * h, y0, h, x0, w, IN, channels, work, patch);
        WinogradTransforms.input(work, patch, line, work, t * IN * line, line, line);
      } else {
        int from = ((image(tile) * h + y0) * w + x0) * channels;
        WinogradTransforms.input(x, from, w * channels, work, t * IN * line, line, line);
      }
    }
    // Tiles innermost: what is written for a point then lies together.
    for (int r = 0; r < IN; r++) {
      for (int c = 0; c < channels; c += piece) {
        int depth = Math.min(piece, channels - c);
        int to = dp + r * IN * pointStep + c / piece * pieceStep;
        for (int t = 0; t < count; t++) {
          WinogradTransforms.input(
              work, (t * IN + r) * line + c, channels, dst, to + t * tileStep, pointStep, depth);
        }
      }
    }
  }

  /**
   * Transforms the output gradients of {@code count} tiles: channel c of point p of tile first + t
   * goes to dst[dp + t·tileStep + p·pointStep + c].
   *
   * @param g [batch, oh, ow, channels]
   * @param count at most {@link #GROUP}
   * @param work of {@link #workLength} floats
   */
  void transformGradients(
      int first,
      int count,
      float[] g,
      int channels,
      float[] work,
      float[] dst,
      int dp,
      int tileStep,
      int pointStep) {
    int line = OUT * channels;
    int patch = GROUP * IN * line;
    for (int t = 0; t < count; t++) {
      int tile = first + t;
      if (y(tile) + OUT > oh || x(tile) + OUT > ow) {
        copyPatch(g, image(tile) * oh, y(tile), oh, x(tile), ow, OUT, channels, work, patch);
        WinogradTransforms.outputGradient(work, patch, line, work, t * IN * line, line, line);
      } else {
        WinogradTransforms.outputGradient(
            g, outPixel(tile) * channels, ow * channels, work, t * IN * line, line, line);
      }
    }
    for (int r = 0; r < IN; r++) {
      for (int t = 0; t < count; t++) {
        WinogradTransforms.outputGradient(
            work,
            (t * IN + r) * line,
            channels,
            dst,
            dp + t * tileStep + r * IN * pointStep,
            pointStep,
            channels);
      }
    }
  }

  /** Copies size × size pixels from (y0, x0) on, zero outside the map. */
  private static void copyPatch(
      float[] x,
      int firstRow,
      int y0,
      int h,
      int x0,
      int w,
      int size,
      int channels,
      float[] dst,
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
