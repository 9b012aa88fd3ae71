package dev.changenet.tensor.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Sums over the rows of a matrix: the gradient of a bias. */
final class ColumnSums {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;

  /** Rows summed by one task; the partial sums are added in order. */
  private static final int BLOCK = 256;

  private ColumnSums() {}

  /** out[j] = Σᵢ x[i·n + j] over {@code rows} rows. */
  static void run(float[] x, int rows, int n, float[] out) {
    int blocks = (rows + BLOCK - 1) / BLOCK;
    float[] partial = Scratch.floats(Scratch.Slot.CONV_SUMS, blocks * n);
    Parallel.forBlocks(
        rows, BLOCK, (from, to) -> sum(x, from * n, to - from, n, partial, from / BLOCK * n));
    sum(partial, 0, blocks, n, out, 0);
  }

  private static void sum(float[] x, int xp, int rows, int n, float[] out, int op) {
    Arrays.fill(out, op, op + n, 0f);
    for (int i = 0; i < rows; i++) {
      addRow(x, xp + i * n, n, out, op);
    }
  }

  private static void addRow(float[] x, int xp, int n, float[] out, int op) {
    int j = 0;
    for (; j < S.loopBound(n); j += S.length()) {
      FloatVector.fromArray(S, x, xp + j)
          .add(FloatVector.fromArray(S, out, op + j))
          .intoArray(out, op + j);
    }
    for (; j < n; j++) {
      out[op + j] += x[xp + j];
    }
  }
}
