package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * How kernels sum over the rows of a matrix, one sum per column: rows are cut into blocks that
 * depend on their number alone, each block sums in float32, and the blocks are combined in order in
 * float64.
 */
final class RowBlocks {
  private static final int SMALLEST_BLOCK = 64;
  private static final int LARGEST_BLOCK = 512;

  private RowBlocks() {}

  /** Rows of one block of a matrix of {@code rows} rows. */
  static int blockRows(int rows) {
    return Math.clamp(rows / 64, SMALLEST_BLOCK, LARGEST_BLOCK);
  }

  /** Number of blocks. */
  static int blocks(int rows) {
    int block = blockRows(rows);
    return (rows + block - 1) / block;
  }

  /** out[c] = Σ over blocks of partial[block·stride + at + c], for c below n. */
  static void combine(float[] partial, int blocks, int stride, int at, int n, float[] out) {
    combine(partial, blocks, stride, at, n, out, 0);
  }

  /** The same with the results from out[outAt] on. */
  static void combine(
      float[] partial, int blocks, int stride, int at, int n, float[] out, int outAt) {
    for (int c = 0; c < n; c++) {
      double sum = 0;
      for (int b = 0; b < blocks; b++) {
        sum += partial[b * stride + at + c];
      }
      out[outAt + c] = (float) sum;
    }
  }

  /** acc[c] = Σ over rows from … to − 1 of x[r·n + c]; four rows share one pass over acc. */
  static void sumRows(float[] x, int from, int to, int n, float[] acc, int accAt) {
    Arrays.fill(acc, accAt, accAt + n, 0f);
    int r = from;
    for (; r <= to - 4; r += 4) {
      addFourRows(x, r * n, n, acc, accAt);
    }
    for (; r < to; r++) {
      addRow(x, r * n, n, acc, accAt);
    }
  }

  private static void addFourRows(float[] x, int at, int n, float[] acc, int accAt) {
    int c = 0;
    for (; c <= n - LANES; c += LANES) {
      FloatVector s0 =
          FloatVector.fromArray(SPECIES, x, at + c)
              .add(FloatVector.fromArray(SPECIES, x, at + n + c));
      FloatVector s1 =
          FloatVector.fromArray(SPECIES, x, at + 2 * n + c)
              .add(FloatVector.fromArray(SPECIES, x, at + 3 * n + c));
      FloatVector.fromArray(SPECIES, acc, accAt + c).add(s0.add(s1)).intoArray(acc, accAt + c);
    }
    for (; c < n; c++) {
      acc[accAt + c] += (x[at + c] + x[at + n + c]) + (x[at + 2 * n + c] + x[at + 3 * n + c]);
    }
  }

  /** acc += row. */
  static void addRow(float[] x, int at, int n, float[] acc, int accAt) {
    int c = 0;
    for (; c <= n - LANES; c += LANES) {
      FloatVector.fromArray(SPECIES, acc, accAt + c)
          .add(FloatVector.fromArray(SPECIES, x, at + c))
          .intoArray(acc, accAt + c);
    }
    for (; c < n; c++) {
      acc[accAt + c] += x[at + c];
    }
  }
}
