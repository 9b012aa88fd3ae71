package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;

/**
 * Matrix products C = op(A)·op(B) of float32 matrices, row-major, with any leading dimension.
 *
 * <p>C is cut into as many cells as there are threads, and each thread packs what its cell needs
 * for itself: to read what another core has just written would cost more than to pack some of it
 * twice. Within a cell the sum over k is cut into super-blocks of {@link #SUPER_DEPTH}, of which B
 * is packed once; blocks of rows of A, which stay in the L2 cache, run against it strip by strip.
 * Where rows are few it is B that is cut into pieces for the L2 cache. The cells depend on the
 * number of threads; what is summed in which order doesn't.
 */
final class Gemm {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;
  private static final int STEP = GemmColumnKernels.STEP;
  private static final int ALIGN = Scratch.ALIGN;

  /** Terms of the sum between two passes over C. */
  private static final int SUPER_DEPTH = 4 * DEPTH;

  /** Strips of B packed at a time; bounds the pack buffer at 16 MiB. */
  private static final int MOST_STRIPS = 4096 / NR;

  /** Rows of A packed at a time: with {@link #SUPER_DEPTH} half a mebibyte. */
  private static final int ROW_BLOCK = 8 * MR;

  /**
   * Most rows of a cell that are packed all at once, so that B, which is then most of the work to
   * read, can be packed in pieces of {@link #GROUP_FLOATS} that never leave the L2 cache.
   */
  private static final int FEW_ROWS = 3 * ROW_BLOCK;

  private static final int GROUP_FLOATS = 1 << 16;

  /** What packing one value of A or B costs, in multiplications. */
  private static final int PACK_A = 32;

  private static final int PACK_B = 48;

  /** Products with fewer multiplications are one cell: a hand-over would cost more. */
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
    new Product(m, n, k, a, b, null, c, cp, ldc, e).run(Grid.of(m, n, k, false));
  }

  /** {@link #multiply} with B packed before by {@link #packAll}. */
  static void multiplyPacked(
      int m, int n, int k, Operand a, float[] packed, float[] c, int cp, int ldc, Epilogue e) {
    if (m == 0 || n == 0) {
      return;
    }
    new Product(m, n, k, a, null, packed, c, cp, ldc, e).run(Grid.of(m, n, k, true));
  }

  /** Floats that {@link #packAll} writes. */
  static int packedLength(int n, int k) {
    return Math.addExact(ALIGN, Math.multiplyExact(GemmPack.strips(n) * NR, k));
  }

  /** Packs all of B for {@link #multiplyPacked}. */
  static void packAll(Operand b, int n, int k, float[] packed) {
    Parallel.forEach(
        GemmPack.strips(n), s -> GemmPack.strip(b, n, s, 0, k, packed, ALIGN + s * k * NR));
  }

  /** How C is cut into cells. */
  private record Grid(int rows, int columns) {
    /**
     * The cut with least to compute and to pack.
     *
     * @param packed whether B is packed already
     */
    static Grid of(int m, int n, int k, boolean packed) {
      long work = (long) m * n * k;
      int threads = Parallel.threads();
      if (work < SMALL || threads == 1) {
        return new Grid(1, 1);
      }
      int panels = Math.ceilDiv(m, MR);
      int strips = GemmPack.strips(n);
      Grid best = null;
      long least = Long.MAX_VALUE;
      for (int rows = 1; rows <= Math.min(threads, panels); rows++) {
        int columns = Math.min(strips, threads / rows);
        // The largest cell decides when all are done.
        int rowsOfCell = Math.ceilDiv(m, rows);
        long columnsOfCell = (long) Math.ceilDiv(strips, columns) * NR;
        // What kernels compute, some of it for nothing.
        int rest = rowsOfCell % MR;
        int computed = rowsOfCell - rest + (rest == 0 ? 0 : GemmKernels.height(rest));
        long multiply = computed * columnsOfCell;
        long pack = (long) PACK_A * rowsOfCell + (packed ? 0 : PACK_B * columnsOfCell);
        if (multiply + pack < least) {
          least = multiply + pack;
          best = new Grid(rows, columns);
        }
      }
      return best;
    }
  }

  /** One product: what {@link #multiply} and {@link #multiplyPacked} were asked for. */
  private record Product(
      int m,
      int n,
      int k,
      Operand a,
      Operand b,
      float[] packedB,
      float[] c,
      int cp,
      int ldc,
      Epilogue e) {
    void run(Grid grid) {
      int strips = GemmPack.strips(n);
      Parallel.forEach(
          grid.rows * grid.columns,
          i -> {
            int row = i / grid.columns;
            int column = i % grid.columns;
            cell(
                (int) ((long) row * m / grid.rows),
                (int) ((row + 1L) * m / grid.rows),
                (int) ((long) column * strips / grid.columns),
                (int) ((column + 1L) * strips / grid.columns));
          });
    }

    /** Rows i0 … i1 − 1 of strips s0 … s1 − 1. */
    private void cell(int i0, int i1, int s0, int s1) {
      boolean few = i1 - i0 <= FEW_ROWS;
      for (int k0 = 0; k0 < k; k0 += SUPER_DEPTH) {
        int depth = Math.min(SUPER_DEPTH, k - k0);
        Rows all = few ? packRows(a, i0, i1 - i0, k0, depth) : null;
        int most =
            few && packedB == null
                ? Math.clamp(GROUP_FLOATS / (depth * NR), 1, MOST_STRIPS)
                : MOST_STRIPS;
        for (int from = s0; from < s1; from += most) {
          int to = Math.min(s1, from + most);
          Strips strips = packedStrips(from, to, k0, depth);
          if (few && (k > DEPTH || packedB != null)) {
            // A strip, perhaps from memory, meets all rows at once.
            for (int s = from; s < to; s++) {
              for (int i = i0; i < i1; i += ROW_BLOCK) {
                int rows = Math.min(ROW_BLOCK, i1 - i);
                multiply(all, i - i0, i, rows, strips, s, s + 1, k0, depth);
              }
            }
          } else {
            // Short sums are mostly writing: whole rows of C, which the memory can keep up with.
            int block = k <= DEPTH ? MR : ROW_BLOCK;
            for (int i = i0; i < i1; i += block) {
              int rows = Math.min(block, i1 - i);
              Rows packed = few ? all : packRows(a, i, rows, k0, depth);
              multiply(packed, few ? i - i0 : 0, i, rows, strips, from, to, k0, depth);
            }
          }
        }
      }
    }

    /**
     * Packed strips of B.
     *
     * @param first index of strip {@code from}
     * @param distance from one strip to the next
     */
    private record Strips(float[] data, int from, int first, int distance) {}

    private Strips packedStrips(int from, int to, int k0, int depth) {
      return packedB == null
          ? new Strips(pack(from, to, k0, depth), from, ALIGN, depth * NR)
          : new Strips(packedB, from, ALIGN + (from * k + k0) * NR, k * NR);
    }

    /** Rows i … of C, which are row {@code row} … of packed A, in strips from … to − 1. */
    private void multiply(
        Rows packed, int row, int i, int rows, Strips strips, int from, int to, int k0, int depth) {
      Epilogue piece = e.piece(k0 == 0, k0 + depth == k);
      for (int s = from; s < to; s++) {
        int bp = strips.first + (s - strips.from) * strips.distance;
        int column = s * NR;
        int cols = Math.min(NR, n - column);
        int at = cp + i * ldc + column;
        strip(row, rows, cols, depth, packed, strips.data, bp, c, at, ldc, column, piece);
      }
    }

    private float[] pack(int from, int to, int k0, int depth) {
      float[] packed = Scratch.floats(Scratch.Slot.GEMM_B, ALIGN + (to - from) * depth * NR);
      if (b.transposed) {
        for (int s = from; s < to; s++) {
          GemmPack.strip(b, n, s, k0, depth, packed, ALIGN + (s - from) * depth * NR);
        }
      } else {
        GemmPack.rowsOfStrips(b, n, from, to, k0, depth, packed, ALIGN);
      }
      return packed;
    }
  }

  /**
   * Some rows of A, copied.
   *
   * @param step from one panel to the next when transposed, else from one piece of {@link #DEPTH}
   *     terms to the next
   */
  private record Rows(float[] data, int step, boolean transposed) {
    void multiply(
        int height, int i, int k, int terms, float[] b, int bp, float[] t, int tp, boolean add) {
      if (transposed) {
        int at = ALIGN + i / MR * step + k * STEP;
        GemmColumnKernels.multiply(height, data, at, b, bp, terms, t, tp, add);
      } else {
        int at = ALIGN + k / DEPTH * step + i * PITCH;
        GemmKernels.multiply(height, data, at, b, bp, terms, t, tp, add);
      }
    }
  }

  private static Rows packRows(Operand a, int i0, int rows, int k0, int depth) {
    // Kernels may read whole tiles of MR rows.
    int step = a.transposed ? depth * STEP : (rows + MR) * PITCH;
    int count = a.transposed ? Math.ceilDiv(rows, MR) : Math.ceilDiv(depth, DEPTH);
    float[] packed = Scratch.floats(Scratch.Slot.GEMM_A, ALIGN + count * step);
    if (a.transposed) {
      GemmPack.panels(a, i0, rows, k0, depth, packed, ALIGN, step);
    } else {
      GemmPack.rows(a, i0, rows, k0, depth, packed, ALIGN, step);
    }
    return new Rows(packed, step, a.transposed);
  }

  /** Some rows of C in one strip, from row {@code row} of A on, a multiple of MR. */
  private static void strip(
      int row,
      int rows,
      int cols,
      int depth,
      Rows a,
      float[] b,
      int bp,
      float[] c,
      int cp,
      int ldc,
      int column,
      Epilogue e) {
    float[] t = Scratch.floats(Scratch.Slot.GEMM_TILE, ALIGN + (rows + MR) * NR);
    for (int k = 0; k < depth; k += DEPTH) {
      int terms = Math.min(DEPTH, depth - k);
      for (int i = 0; i < rows; i += MR) {
        int left = Math.min(MR, rows - i);
        int height = GemmKernels.height(left);
        a.multiply(height, row + i, k, terms, b, bp + k * NR, t, ALIGN + i * NR, k > 0);
        if (k + terms == depth) {
          // At once: C is written while the next rows are multiplied.
          GemmTile.store(t, ALIGN + i * NR, left, cols, c, cp + i * ldc, ldc, column, e);
        }
      }
    }
  }
}
