package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * Matrix products whose operands stay in the second-level cache, as attention heads do: A is read
 * element by element with any strides, rows of B and C are whole vectors.
 */
final class SmallProduct {
  private SmallProduct() {}

  /** A matrix inside an array: element (i, t) is at {@code at + i·row + t·col}. */
  record Matrix(float[] data, int at, int row, int col) {}

  /**
   * c[i, j] = Σₜ a[i, t]·b[t, j], or += where {@code add}.
   *
   * @param m rows of a and c
   * @param n columns of b and c, a multiple of the vector length
   * @param k columns of a and rows of b
   */
  static void multiply(Matrix a, Matrix b, Matrix c, int m, int n, int k, boolean add) {
    for (int j = 0; j < n; j += 2 * LANES) {
      boolean pair = j + LANES < n;
      for (int i = 0; i < m; ) {
        int aAt = a.at + i * a.row;
        int cAt = c.at + i * c.row + j;
        boolean four = i + 4 <= m;
        if (four && pair) {
          fourByTwo(a.data, aAt, a.row, a.col, b.data, b.at + j, b.row, c.data, cAt, c.row, k, add);
        } else if (four) {
          fourByOne(a.data, aAt, a.row, a.col, b.data, b.at + j, b.row, c.data, cAt, c.row, k, add);
        } else {
          oneByOne(a.data, aAt, a.col, b.data, b.at + j, b.row, c.data, cAt, k, add);
          if (pair) {
            int right = b.at + j + LANES;
            oneByOne(a.data, aAt, a.col, b.data, right, b.row, c.data, cAt + LANES, k, add);
          }
        }
        i += four ? 4 : 1;
      }
    }
  }

  private static void fourByTwo(
      float[] a,
      int aAt,
      int aRow,
      int aCol,
      float[] b,
      int bAt,
      int bRow,
      float[] c,
      int cAt,
      int cRow,
      int k,
      boolean add) {
    FloatVector c00 = FloatVector.zero(SPECIES);
    FloatVector c01 = FloatVector.zero(SPECIES);
    FloatVector c10 = FloatVector.zero(SPECIES);
    FloatVector c11 = FloatVector.zero(SPECIES);
    FloatVector c20 = FloatVector.zero(SPECIES);
    FloatVector c21 = FloatVector.zero(SPECIES);
    FloatVector c30 = FloatVector.zero(SPECIES);
    FloatVector c31 = FloatVector.zero(SPECIES);
    for (int t = 0, i = aAt, j = bAt; t < k; t++, i += aCol, j += bRow) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, j);
      FloatVector b1 = FloatVector.fromArray(SPECIES, b, j + LANES);
      FloatVector a0 = FloatVector.broadcast(SPECIES, a[i]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = FloatVector.broadcast(SPECIES, a[i + aRow]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = FloatVector.broadcast(SPECIES, a[i + 2 * aRow]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = FloatVector.broadcast(SPECIES, a[i + 3 * aRow]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
    }
    if (add) {
      c00 = c00.add(FloatVector.fromArray(SPECIES, c, cAt));
      c01 = c01.add(FloatVector.fromArray(SPECIES, c, cAt + LANES));
      c10 = c10.add(FloatVector.fromArray(SPECIES, c, cAt + cRow));
      c11 = c11.add(FloatVector.fromArray(SPECIES, c, cAt + cRow + LANES));
      c20 = c20.add(FloatVector.fromArray(SPECIES, c, cAt + 2 * cRow));
      c21 = c21.add(FloatVector.fromArray(SPECIES, c, cAt + 2 * cRow + LANES));
      c30 = c30.add(FloatVector.fromArray(SPECIES, c, cAt + 3 * cRow));
      c31 = c31.add(FloatVector.fromArray(SPECIES, c, cAt + 3 * cRow + LANES));
    }
    c00.intoArray(c, cAt);
    c01.intoArray(c, cAt + LANES);
    c10.intoArray(c, cAt + cRow);
    c11.intoArray(c, cAt + cRow + LANES);
    c20.intoArray(c, cAt + 2 * cRow);
    c21.intoArray(c, cAt + 2 * cRow + LANES);
    c30.intoArray(c, cAt + 3 * cRow);
    c31.intoArray(c, cAt + 3 * cRow + LANES);
  }

  private static void fourByOne(
      float[] a,
      int aAt,
      int aRow,
      int aCol,
      float[] b,
      int bAt,
      int bRow,
      float[] c,
      int cAt,
      int cRow,
      int k,
      boolean add) {
    FloatVector c0 = FloatVector.zero(SPECIES);
    FloatVector c1 = FloatVector.zero(SPECIES);
    FloatVector c2 = FloatVector.zero(SPECIES);
    FloatVector c3 = FloatVector.zero(SPECIES);
    for (int t = 0, i = aAt, j = bAt; t < k; t++, i += aCol, j += bRow) {
      FloatVector v = FloatVector.fromArray(SPECIES, b, j);
      c0 = v.fma(FloatVector.broadcast(SPECIES, a[i]), c0);
      c1 = v.fma(FloatVector.broadcast(SPECIES, a[i + aRow]), c1);
      c2 = v.fma(FloatVector.broadcast(SPECIES, a[i + 2 * aRow]), c2);
      c3 = v.fma(FloatVector.broadcast(SPECIES, a[i + 3 * aRow]), c3);
    }
    if (add) {
      c0 = c0.add(FloatVector.fromArray(SPECIES, c, cAt));
      c1 = c1.add(FloatVector.fromArray(SPECIES, c, cAt + cRow));
      c2 = c2.add(FloatVector.fromArray(SPECIES, c, cAt + 2 * cRow));
      c3 = c3.add(FloatVector.fromArray(SPECIES, c, cAt + 3 * cRow));
    }
    c0.intoArray(c, cAt);
    c1.intoArray(c, cAt + cRow);
    c2.intoArray(c, cAt + 2 * cRow);
    c3.intoArray(c, cAt + 3 * cRow);
  }

  private static void oneByOne(
      float[] a,
      int aAt,
      int aCol,
      float[] b,
      int bAt,
      int bRow,
      float[] c,
      int cAt,
      int k,
      boolean add) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int t = 0, i = aAt, j = bAt; t < k; t++, i += aCol, j += bRow) {
      FloatVector v = FloatVector.fromArray(SPECIES, b, j);
      sum = v.fma(FloatVector.broadcast(SPECIES, a[i]), sum);
    }
    if (add) {
      sum = sum.add(FloatVector.fromArray(SPECIES, c, cAt));
    }
    sum.intoArray(c, cAt);
  }
}
