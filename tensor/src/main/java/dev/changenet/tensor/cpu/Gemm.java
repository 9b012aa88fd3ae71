package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;

/**
 * Matrix products C = op(A)·op(B) of float32 matrices, row-major, with any leading dimension.
 *
 * <p>The sum over k is cut into super-blocks of {@link #SUPER_DEPTH}; of each, B is packed once for
 * all threads, then blocks of rows of C are the parallel tasks: a task packs its part of A, which
 * stays in its core's L2 cache, and runs it against B strip by strip. All cuts follow from the
 * sizes alone.
 */
final class Gemm {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;

  /** Terms of the sum between two passes over C. */
  private static final int SUPER_DEPTH = 4 * DEPTH;

  /** Columns of B packed at a time; bounds the pack buffer at 16 MiB. */
  private static final int MOST_COLUMNS = 4096;

  /** Rows of a task: with {@link #SUPER_DEPTH} about half of a 1 MiB L2 cache. */
  private static final int ROW_BLOCK = 112;

  private static final int SMALLEST_ROW_BLOCK = 28;

  /** Tasks to aim at, so that threads finish together. */
  private static final int ENOUGH_TASKS = 12;

  /** Products with fewer multiplications run as one task: a hand-over would cost more. */
  private static final long SMALL = 100_000;

  private Gemm() {}

  /**
   * A matrix inside an array.
   *
   * @param stride distance of its rows, as stored
   * @param transposed true when the matrix meant is the transpose of the stored one
   */
  record Operand(float[] data, int offset, int stride, boolean transposed) {
    /** A matrix that fills an array. */
    static Operand of(float[] data, int stride) {
      return new Operand(data, 0, stride, false);
    }

    /** The transpose of a matrix that fills an array. */
    static Operand transposeOf(float[] data, int stride) {
      return new Operand(data, 0, stride, true);
    }
  }

  /**
   * Strips of B ready for the kernels.
   *
   * @param distance from one strip to the next
   */
  private record Strips(float[] data, int offset, int distance) {}

  /** C [m, n] at c[cp], rows {@code ldc} apart, from op(A) [m, k] and op(B) [k, n]. */
  static void multiply(
      int m, int n, int k, Operand a, Operand b, float[] c, int cp, int ldc, Epilogue e) {
    if (m == 0 || n == 0) {
      return;
    }
    if (k == 0) {
      GemmTile.storeEmpty(m, n, c, cp, ldc, e);
      return;
    }
    if (!a.transposed && b.transposed && Math.min(m, n) <= RowDots.FEW) {
      RowDots.multiply(m, n, k, a, b, c, cp, ldc, e);
      return;
    }
    for (int j = 0; j < n; j += MOST_COLUMNS) {
      int cols = Math.min(MOST_COLUMNS, n - j);
      Operand bj =
          new Operand(b.data, b.offset + (b.transposed ? j * b.stride : j), b.stride, b.transposed);
      Epilogue ej = j == 0 || e.bias() == null ? e : shifted(e, j, cols);
      for (int k0 = 0; k0 < k; k0 += SUPER_DEPTH) {
        int depth = Math.min(SUPER_DEPTH, k - k0);
        Strips strips = pack(bj, cols, k0, depth, m);
        superBlock(
            m, cols, k0, depth, a, strips, c, cp + j, ldc, ej.piece(k0 == 0, k0 + depth == k));
      }
    }
  }

  private static Epilogue shifted(Epilogue e, int j, int cols) {
    return new Epilogue(
        e.accumulate(), java.util.Arrays.copyOfRange(e.bias(), j, j + cols), e.relu());
  }

  /** {@link #multiply} with B packed before by {@link #packAll}. */
  static void multiplyPacked(
      int m, int n, int k, Operand a, float[] packed, float[] c, int cp, int ldc, Epilogue e) {
    if (m == 0 || n == 0) {
      return;
    }
    for (int k0 = 0; k0 < k; k0 += SUPER_DEPTH) {
      int depth = Math.min(SUPER_DEPTH, k - k0);
      Strips strips = new Strips(packed, k0 * NR, k * NR);
      superBlock(m, n, k0, depth, a, strips, c, cp, ldc, e.piece(k0 == 0, k0 + depth == k));
    }
  }

  /** Floats that {@link #packAll} writes. */
  static int packedLength(int n, int k) {
    return Math.multiplyExact(GemmPack.strips(n) * NR, k);
  }

  /** Packs all of B for {@link #multiplyPacked}. */
  static void packAll(Operand b, int n, int k, float[] packed) {
    Parallel.forEach(GemmPack.strips(n), s -> GemmPack.strip(b, n, s, 0, k, packed, s * k * NR));
  }

  private static Strips pack(Operand b, int n, int k0, int depth, int m) {
    int strips = GemmPack.strips(n);
    float[] packed = Scratch.floats(Scratch.Slot.GEMM_B, strips * NR * depth);
    if ((long) m * n * depth < SMALL) {
      for (int s = 0; s < strips; s++) {
        GemmPack.strip(b, n, s, k0, depth, packed, s * depth * NR);
      }
    } else {
      Parallel.forEach(strips, s -> GemmPack.strip(b, n, s, k0, depth, packed, s * depth * NR));
    }
    return new Strips(packed, 0, depth * NR);
  }

  private static void superBlock(
      int m,
      int n,
      int k0,
      int depth,
      Operand a,
      Strips b,
      float[] c,
      int cp,
      int ldc,
      Epilogue e) {
    int strips = GemmPack.strips(n);
    int block = ROW_BLOCK;
    boolean small = (long) m * n * depth < SMALL;
    while (!small && block > SMALLEST_ROW_BLOCK && (m + block - 1) / block < ENOUGH_TASKS) {
      block /= 2;
    }
    int rowBlocks = (m + block - 1) / block;
    int groups = small ? 1 : Math.min(strips, (ENOUGH_TASKS + rowBlocks - 1) / rowBlocks);
    int rowsPerTask = block;
    int groupCount = groups;
    Parallel.forEach(
        rowBlocks * groupCount,
        task -> {
          int i0 = task / groupCount * rowsPerTask;
          int rows = Math.min(rowsPerTask, m - i0);
          int group = task % groupCount;
          int from = group * strips / groupCount;
          int to = (group + 1) * strips / groupCount;
          PackedRows packed = packRows(a, i0, rows, k0, depth);
          for (int s = from; s < to; s++) {
            strip(rows, n, depth, packed, b, s, c, cp + i0 * ldc, ldc, e);
          }
        });
  }

  /**
   * Some rows of A, copied.
   *
   * @param step when transposed, from one k to the next; else from one piece of {@link #DEPTH}
   *     terms to the next
   */
  private record PackedRows(float[] data, int step, boolean transposed) {
    void multiply(
        int height, int i, int k, int terms, Strips b, int bp, float[] t, int tile, boolean add) {
      int at = bp + k * NR;
      if (transposed) {
        GemmColumnKernels.multiply(height, data, k * step + i, b.data, at, terms, t, tile, add);
      } else {
        int ap = k / DEPTH * step + i * PITCH;
        GemmKernels.multiply(height, data, ap, b.data, at, terms, t, tile, add);
      }
    }
  }

  private static PackedRows packRows(Operand a, int i0, int rows, int k0, int depth) {
    if (a.transposed) {
      int step = PITCH;
      float[] packed = Scratch.floats(Scratch.Slot.GEMM_A, depth * step);
      int from = a.offset + k0 * a.stride + i0;
      for (int k = 0; k < depth; k++) {
        System.arraycopy(a.data, from + k * a.stride, packed, k * step, rows);
      }
      return new PackedRows(packed, step, true);
    }
    int step = (rows + MR) * PITCH;
    float[] packed = Scratch.floats(Scratch.Slot.GEMM_A, (depth + DEPTH - 1) / DEPTH * step);
    GemmPack.rows(a, i0, rows, k0, depth, packed, step);
    return new PackedRows(packed, step, false);
  }

  private static void strip(
      int rows,
      int n,
      int depth,
      PackedRows a,
      Strips b,
      int s,
      float[] c,
      int cp,
      int ldc,
      Epilogue e) {
    float[] t = Scratch.floats(Scratch.Slot.GEMM_TILE, (rows / MR + 2) * MR * NR);
    int cols = Math.min(NR, n - s * NR);
    int bp = b.offset + s * b.distance;
    int height;
    for (int k = 0; k < depth; k += DEPTH) {
      int terms = Math.min(DEPTH, depth - k);
      for (int i = 0, tile = 0; i < rows; i += height, tile += MR * NR) {
        height = GemmKernels.height(rows - i);
        a.multiply(height, i, k, terms, b, bp, t, tile, k > 0);
      }
    }
    for (int i = 0, tile = 0; i < rows; i += height, tile += MR * NR) {
      height = GemmKernels.height(rows - i);
      GemmTile.store(
          t, tile, Math.min(height, rows - i), cols, c, cp + i * ldc + s * NR, ldc, s * NR, e);
    }
  }
}
