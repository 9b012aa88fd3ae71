package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * The tiles that a Winograd convolution cuts its maps into: {@code out} × {@code out} samples of
 * the output, which depend on 6 × 6 samples of the input.
 *
 * @param out samples along one axis: 4 for kernels of three taps, 5 for kernels of two
 */
record WinogradTiles(int batch, int rows, int columns, int out) {
  /** Input samples of a tile along one axis, and points of the one-dimensional transform. */
  static final int IN = 6;

  /** Products of a tile. */
  static final int POINTS = IN * IN;

  /** Channels transformed together: what lies between the two passes stays in the L1 cache. */
  private static final int SLICE = 128;

  int count() {
    return batch * rows * columns;
  }

  private int image(int tile) {
    return tile / columns / rows;
  }

  /** Row of the tile's first sample in phase {@code p}; may lie outside the map. */
  int y(WinogradSide side, int tile, int p) {
    return tile / columns % rows * out * side.step() + side.shift() - p / side.step();
  }

  /** Column of the tile's first sample in phase {@code p}. */
  int x(WinogradSide side, int tile, int p) {
    return tile % columns * out * side.step() + side.shift() - p % side.step();
  }

  /** Index of pixel (y, x) of the tile's image. */
  int pixel(WinogradSide side, int tile, int y, int x) {
    return (image(tile) * side.h() + y) * side.w() + x;
  }

  /** Floats of the work buffer that the transforms need for maps of {@code channels} channels. */
  static int workLength(int channels) {
    return POINTS * (SLICE + channels);
  }

  /**
   * Transforms the input patches of {@code count} tiles: virtual channel v of point p of tile first
   * + t goes to dst[dp + t·tileStep + p·pointStep + v / piece·pieceStep + v mod piece].
   *
   * @param x the map, [batch, h, w, channels]
   * @param work {@link #workLength} floats from {@link Scratch#ALIGN} on
   */
  void transformInputs(
      WinogradSide side,
      int first,
      int count,
      float[] x,
      float[] work,
      float[] dst,
      int dp,
      int tileStep,
      int pointStep,
      int piece,
      int pieceStep) {
    transform(side, false, first, count, x, work, dst, dp, tileStep, pointStep, piece, pieceStep);
  }

  /** {@link #transformInputs} for the gradients of {@code out} × {@code out} output samples. */
  void transformGradients(
      WinogradSide side,
      int first,
      int count,
      float[] g,
      float[] work,
      float[] dst,
      int dp,
      int tileStep,
      int pointStep,
      int piece,
      int pieceStep) {
    transform(side, true, first, count, g, work, dst, dp, tileStep, pointStep, piece, pieceStep);
  }

  private void transform(
      WinogradSide side,
      boolean gradient,
      int first,
      int count,
      float[] x,
      float[] work,
      float[] dst,
      int dp,
      int tileStep,
      int pointStep,
      int piece,
      int pieceStep) {
    int size = gradient ? out : IN;
    int kind = gradient ? out : 0;
    int c = side.channels();
    int patch = Scratch.ALIGN + POINTS * SLICE;
    for (int t = first; t < first + count; t++) {
      for (int p = 0; p < side.phases(); p++) {
        int y0 = y(side, t, side.firstPhase() + p);
        int x0 = x(side, t, side.firstPhase() + p);
        int last = (size - 1) * side.step();
        boolean inside = y0 >= 0 && x0 >= 0 && y0 + last < side.h() && x0 + last < side.w();
        float[] source = inside ? x : work;
        int from = inside ? pixel(side, t, y0, x0) * c : patch;
        int pixelStep = inside ? side.step() * c : c;
        int rowStep = inside ? side.step() * side.w() * c : size * c;
        if (!inside) {
          copyPatch(side, t, y0, x0, size, x, work, patch);
        }
        int to = dp + (t - first) * tileStep;
        for (int at = 0; at < c; at += SLICE) {
          int depth = Math.min(SLICE, c - at);
          for (int k = 0; k < size; k++) {
            WinogradTransforms.toPoints(
                kind,
                source,
                from + k * pixelStep + at,
                rowStep,
                work,
                Scratch.ALIGN + k * depth,
                size * depth,
                depth);
          }
          rows(kind, size, work, depth, p * c + at, dst, to, pointStep, piece, pieceStep);
        }
      }
    }
  }

  /** Second pass: the rows of a slice that begins at virtual channel {@code v}. */
  private static void rows(
      int kind,
      int size,
      float[] work,
      int depth,
      int v,
      float[] dst,
      int to,
      int pointStep,
      int piece,
      int pieceStep) {
    int part;
    for (int i = 0; i < depth; i += part) {
      int inPiece = (v + i) % piece;
      part = Math.min(depth - i, piece - inPiece);
      int place = to + (v + i) / piece * pieceStep + inPiece;
      for (int r = 0; r < IN; r++) {
        WinogradTransforms.toPoints(
            kind,
            work,
            Scratch.ALIGN + r * size * depth + i,
            depth,
            dst,
            place + r * IN * pointStep,
            pointStep,
            part);
      }
    }
  }

  /** Copies the samples of a tile that lies partly outside the map, zero where there is none. */
  private void copyPatch(
      WinogradSide side, int tile, int y0, int x0, int size, float[] x, float[] dst, int dp) {
    int c = side.channels();
    for (int r = 0; r < size; r++) {
      int y = y0 + r * side.step();
      for (int k = 0; k < size; k++) {
        int column = x0 + k * side.step();
        int to = dp + (r * size + k) * c;
        if (y >= 0 && y < side.h() && column >= 0 && column < side.w()) {
          System.arraycopy(x, pixel(side, tile, y, column) * c, dst, to, c);
        } else {
          Arrays.fill(dst, to, to + c, 0f);
        }
      }
    }
  }
}
