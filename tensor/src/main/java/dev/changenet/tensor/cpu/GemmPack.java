package dev.changenet.tensor.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rearranges matrices for {@link GemmKernels} and {@link GemmColumnKernels}: A into rows {@link
 * GemmKernels#PITCH} apart or panels of {@link GemmKernels#MR} rows, B into strips of {@link
 * GemmKernels#NR} columns with a row's part of a strip contiguous.
 */
final class GemmPack {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;
  private static final int STEP = GemmColumnKernels.STEP;
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = GemmKernels.LANES;

  /** Rows of B packed strip by strip: few enough to keep to a few pages of memory. */
  private static final int ROWS = 32;

  private GemmPack() {}

  /** Number of strips that {@code n} columns fill, the last one perhaps partly. */
  static int strips(int n) {
    return (n + NR - 1) / NR;
  }

  /**
   * Copies {@code rows} × {@code depth} of A, stored as it is meant, to rows PITCH apart: term k of
   * row i goes to dst[dp + k / DEPTH·pieceStep + i·PITCH + k mod DEPTH].
   */
  static void rows(
      Gemm.Operand a, int i0, int rows, int k0, int depth, float[] dst, int dp, int pieceStep) {
    for (int k = 0; k < depth; k += DEPTH) {
      int terms = Math.min(DEPTH, depth - k);
      int src = a.offset() + i0 * a.stride() + k0 + k;
      int to = dp + k / DEPTH * pieceStep;
      for (int i = 0; i < rows; i++) {
        System.arraycopy(a.data(), src + i * a.stride(), dst, to + i * PITCH, terms);
      }
    }
  }

  /**
   * Copies {@code rows} × {@code depth} of A, stored transposed, to panels of MR rows: term k of
   * row i goes to dst[dp + i / MR·panelStep + k·STEP + i mod MR].
   */
  static void panels(
      Gemm.Operand a, int i0, int rows, int k0, int depth, float[] dst, int dp, int panelStep) {
    int src = a.offset() + k0 * a.stride() + i0;
    for (int i = 0; i < rows; i += MR) {
      int to = dp + i / MR * panelStep;
      int end = src + i + (depth - 1) * a.stride() + STEP;
      if (end <= a.data().length) {
        panelRows(a.data(), src + i, a.stride(), depth, dst, to);
      } else {
        int width = Math.min(MR, rows - i);
        for (int k = 0; k < depth; k++) {
          System.arraycopy(a.data(), src + i + k * a.stride(), dst, to + k * STEP, width);
        }
      }
    }
  }

  /**
   * Copies rows of STEP floats, {@code stride} apart, one behind the other; the floats of a row
   * from MR on are of no use, but copying them is quicker.
   */
  static void panelRows(float[] src, int sp, int stride, int rows, float[] dst, int dp) {
    for (int k = 0; k < rows; k++) {
      for (int j = 0; j < STEP; j += LANES) {
        FloatVector.fromArray(S, src, sp + k * stride + j).intoArray(dst, dp + k * STEP + j);
      }
    }
  }

  /** Packs {@code depth} rows of strip {@code s} of B; columns from n on become 0. */
  static void strip(Gemm.Operand b, int n, int s, int k0, int depth, float[] dst, int dp) {
    int j0 = s * NR;
    int cols = Math.min(NR, n - j0);
    if (b.transposed()) {
      int src = b.offset() + j0 * b.stride() + k0;
      if (cols < NR) {
        Arrays.fill(dst, dp, dp + depth * NR, 0f);
      }
      for (int k = 0; k < depth; k += ROWS) {
        int rows = Math.min(ROWS, depth - k);
        Transposition.run(b.data(), src + k, b.stride(), cols, rows, dst, dp + k * NR, NR);
      }
      return;
    }
    rowsOfStrip(b, j0, cols, k0, depth, dst, dp);
  }

  /** Packs {@code depth} rows of strips from … to − 1 of a B that is stored as it is meant. */
  static void rowsOfStrips(
      Gemm.Operand b, int n, int from, int to, int k0, int depth, float[] dst, int dp) {
    for (int k = 0; k < depth; k += ROWS) {
      int rows = Math.min(ROWS, depth - k);
      for (int s = from; s < to; s++) {
        int j = s * NR;
        int at = dp + ((s - from) * depth + k) * NR;
        rowsOfStrip(b, j, Math.min(NR, n - j), k0 + k, rows, dst, at);
      }
    }
  }

  private static void rowsOfStrip(
      Gemm.Operand b, int j0, int cols, int k0, int rows, float[] dst, int dp) {
    int src = b.offset() + k0 * b.stride() + j0;
    if (cols == NR) {
      for (int k = 0; k < rows; k++) {
        for (int j = 0; j < NR; j += LANES) {
          FloatVector.fromArray(S, b.data(), src + k * b.stride() + j)
              .intoArray(dst, dp + k * NR + j);
        }
      }
      return;
    }
    for (int k = 0; k < rows; k++) {
      int at = dp + k * NR;
      System.arraycopy(b.data(), src + k * b.stride(), dst, at, cols);
      Arrays.fill(dst, at + cols, at + NR, 0f);
    }
  }
}
