package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * The part of an input map that a block of output pixels needs, copied so that horizontally
 * neighbouring output pixels read pixels a fixed distance apart: with zero padding made real, and
 * with the columns of a strided convolution sorted by column mod step ("planes").
 *
 * @param rows input rows held
 * @param planes the step
 * @param planeWidth pixels of a row in one plane
 * @param minDy lowest row offset of any tap
 * @param minDx lowest column offset of any tap
 */
record ConvTile(int rows, int planes, int planeWidth, int minDy, int minDx) {
  /** The tile for {@code height} × {@code width} output pixels of any of the phases. */
  static ConvTile of(ConvPhase[] phases, int height, int width) {
    int minDy = Integer.MAX_VALUE;
    int minDx = Integer.MAX_VALUE;
    int maxDy = Integer.MIN_VALUE;
    int maxDx = Integer.MIN_VALUE;
    for (ConvPhase p : phases) {
      for (int t = 0; t < p.taps(); t++) {
        minDy = Math.min(minDy, p.dy()[t]);
        maxDy = Math.max(maxDy, p.dy()[t]);
        minDx = Math.min(minDx, p.dx()[t]);
        maxDx = Math.max(maxDx, p.dx()[t]);
      }
    }
    int step = phases[0].inStep();
    int columns = (width - 1) * step + maxDx - minDx + 1;
    return new ConvTile(
        (height - 1) * step + maxDy - minDy + 1, step, (columns + step - 1) / step, minDy, minDx);
  }

  /** Pixels held. */
  int pixels() {
    return rows * planes * planeWidth;
  }

  /** Pixels of one row, all planes. */
  int rowPixels() {
    return planes * planeWidth;
  }

  /** Index of the pixel that tap (dy, dx) reads for the block's first output pixel. */
  int pixel(int dy, int dx) {
    return (dy - minDy) * rowPixels() + (dx - minDx) % planes * planeWidth + (dx - minDx) / planes;
  }

  /** Index, in a row, of the pixel of the tile's column {@code column}. */
  int column(int column) {
    return column % planes * planeWidth + column / planes;
  }

  /**
   * Copies channels [c0, c0 + depth) of the input pixels for the block that starts at output pixel
   * (i0, j0), {@code pitch} floats apart; pixels outside the map become 0.
   *
   * @param x map of h × w pixels of c channels starting at xp
   */
  void fill(
      float[] x,
      int xp,
      int h,
      int w,
      int c,
      int c0,
      int depth,
      int i0,
      int j0,
      float[] dst,
      int dp,
      int pitch) {
    int y0 = i0 * planes + minDy;
    int x0 = j0 * planes + minDx;
    for (int r = 0; r < rows; r++) {
      int y = y0 + r;
      boolean rowInside = y >= 0 && y < h;
      int row = dp + r * rowPixels() * pitch;
      for (int k = 0; k < rowPixels(); k++) {
        int to = row + column(k) * pitch;
        int column = x0 + k;
        if (rowInside && column >= 0 && column < w) {
          System.arraycopy(x, xp + (y * w + column) * c + c0, dst, to, depth);
        } else {
          Arrays.fill(dst, to, to + depth, 0f);
        }
      }
    }
  }
}
