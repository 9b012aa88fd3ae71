package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * Rearranges matrices for {@link GemmKernels}: A into rows {@link GemmKernels#PITCH} apart, B into
 * strips of {@link GemmKernels#NR} columns with a row's part of a strip contiguous.
 */
final class GemmPack {
  private static final int NR = GemmKernels.NR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;

  private GemmPack() {}

  /** Number of strips that {@code n} columns fill, the last one perhaps partly. */
  static int strips(int n) {
    return (n + NR - 1) / NR;
  }

  /**
   * Copies {@code rows} × {@code depth} of A (stored as it is meant): term k of row i goes to
   * dst[block(k)·blockStride + i·PITCH + k mod DEPTH].
   */
  static void rows(
      Gemm.Operand a, int i0, int rows, int k0, int depth, float[] dst, int blockStride) {
    for (int k = 0; k < depth; k += DEPTH) {
      int kc = Math.min(DEPTH, depth - k);
      int base = k / DEPTH * blockStride;
      int src = a.offset() + i0 * a.stride() + k0 + k;
      for (int i = 0; i < rows; i++) {
        System.arraycopy(a.data(), src + i * a.stride(), dst, base + i * PITCH, kc);
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
      Transposition.run(b.data(), src, b.stride(), cols, depth, dst, dp, NR);
      return;
    }
    int src = b.offset() + k0 * b.stride() + j0;
    for (int k = 0; k < depth; k++) {
      int to = dp + k * NR;
      System.arraycopy(b.data(), src + k * b.stride(), dst, to, cols);
      if (cols < NR) {
        Arrays.fill(dst, to + cols, to + NR, 0f);
      }
    }
  }
}
