package dev.changenet.onnx.interpreter;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The sum of products behind convolutions and matrix products: Σ_t a[r][t] · b[offset[t] + j] for
 * rows r and columns j.
 *
 * <p>Each element is one sum over t in order, whatever the tiles and threads, so results don't
 * depend on them. The inner loops keep sums in one array and operands in another, at fixed
 * distances, because only then does the compiler turn them into vector instructions.
 */
final class Product {
  private static final int TILE = 128;
  private static final int CHUNK = 8 * TILE;
  private static final int ROWS = 64;
  private static final int GROUP = 4;

  private final float[][] sums = new float[ROWS / GROUP][GROUP * TILE];
  private final float[] operands = new float[2 * TILE];

  private Product() {}

  /** Takes finished sums of one row: its first column, their number, and where they lie. */
  interface Sink {
    void take(int row, int column, int count, float[] values, int at);
  }

  /** Factors a[r][t], at {@code start + r·rowStride + t·tapStride}. */
  record Factors(float[] values, int start, int rows, int rowStride, int tapStride) {}

  /** Computes all rows and {@code columns} columns, in parallel; the sink must allow that. */
  static void compute(Factors a, float[] b, int[] offsets, int columns, Sink sink) {
    int blocks = (a.rows() + ROWS - 1) / ROWS;
    int chunks = (columns + CHUNK - 1) / CHUNK;
    IntStream.range(0, blocks * chunks)
        .parallel()
        .forEach(
            task -> {
              int first = task % chunks * CHUNK;
              int end = Math.min(columns, first + CHUNK);
              new Product().block(a, task / chunks * ROWS, b, offsets, first, end, sink);
            });
  }

  private void block(
      Factors a, int firstRow, float[] b, int[] offsets, int first, int end, Sink sink) {
    int rows = Math.min(ROWS, a.rows() - firstRow);
    int groups = (rows + GROUP - 1) / GROUP;
    float[] packed = pack(a, firstRow, rows, groups, offsets.length);
    for (int column = first; column < end; column += TILE) {
      int count = Math.min(TILE, end - column);
      tile(packed, groups, b, offsets, column, count);
      for (int r = 0; r < rows; r++) {
        sink.take(firstRow + r, column, count, sums[r / GROUP], r % GROUP * TILE);
      }
    }
  }

  /** Factors by group of rows, tap, row; missing rows are 0. */
  private static float[] pack(Factors a, int firstRow, int rows, int groups, int taps) {
    float[] packed = new float[groups * taps * GROUP];
    for (int r = 0; r < rows; r++) {
      int from = a.start() + (firstRow + r) * a.rowStride();
      int to = r / GROUP * taps * GROUP + r % GROUP;
      for (int t = 0; t < taps; t++) {
        packed[to + t * GROUP] = a.values()[from + t * a.tapStride()];
      }
    }
    return packed;
  }

  private void tile(float[] a, int groups, float[] b, int[] offsets, int column, int count) {
    int taps = offsets.length;
    for (int g = 0; g < groups; g++) {
      Arrays.fill(sums[g], 0);
    }
    for (int t = 0; t < taps; t += 2) {
      System.arraycopy(b, offsets[t] + column, operands, 0, count);
      boolean two = t + 1 < taps;
      if (two) {
        System.arraycopy(b, offsets[t + 1] + column, operands, TILE, count);
      }
      for (int g = 0; g < groups; g++) {
        int at = (g * taps + t) * GROUP;
        if (two) {
          addTwo(sums[g], operands, count, a, at);
        } else {
          addOne(sums[g], operands, count, a, at);
        }
      }
    }
  }

  private static void addTwo(float[] sums, float[] x, int count, float[] a, int at) {
    float a0 = a[at];
    float a1 = a[at + 1];
    float a2 = a[at + 2];
    float a3 = a[at + 3];
    float b0 = a[at + 4];
    float b1 = a[at + 5];
    float b2 = a[at + 6];
    float b3 = a[at + 7];
    for (int j = 0; j < count; j++) {
      float p = x[j];
      float q = x[TILE + j];
      sums[j] = Math.fma(b0, q, Math.fma(a0, p, sums[j]));
      sums[TILE + j] = Math.fma(b1, q, Math.fma(a1, p, sums[TILE + j]));
      sums[2 * TILE + j] = Math.fma(b2, q, Math.fma(a2, p, sums[2 * TILE + j]));
      sums[3 * TILE + j] = Math.fma(b3, q, Math.fma(a3, p, sums[3 * TILE + j]));
    }
  }

  private static void addOne(float[] sums, float[] x, int count, float[] a, int at) {
    for (int r = 0; r < GROUP; r++) {
      float factor = a[at + r];
      for (int j = 0; j < count; j++) {
        sums[r * TILE + j] = Math.fma(factor, x[j], sums[r * TILE + j]);
      }
    }
  }
}
