package dev.changenet.tensor.cpu;

/** Transposes blocks of matrices. */
final class Transposition {
  /** Rows taken together, so that a written cache line is completed while it is near. */
  private static final int ROWS = 8;

  private Transposition() {}

  /** dst[dp + c·dld + r] = src[sp + r·sld + c] for r below {@code rows}, c below {@code cols}. */
  static void run(float[] src, int sp, int sld, int rows, int cols, float[] dst, int dp, int dld) {
    int r = 0;
    for (; r + ROWS <= rows; r += ROWS) {
      eightRows(src, sp + r * sld, sld, cols, dst, dp + r, dld);
    }
    for (; r < rows; r++) {
      int from = sp + r * sld;
      for (int c = 0; c < cols; c++) {
        dst[dp + c * dld + r] = src[from + c];
      }
    }
  }

  private static void eightRows(
      float[] src, int sp, int sld, int cols, float[] dst, int dp, int dld) {
    int p1 = sp + sld;
    int p2 = p1 + sld;
    int p3 = p2 + sld;
    int p4 = p3 + sld;
    int p5 = p4 + sld;
    int p6 = p5 + sld;
    int p7 = p6 + sld;
    int to = dp;
    for (int c = 0; c < cols; c++) {
      dst[to] = src[sp + c];
      dst[to + 1] = src[p1 + c];
      dst[to + 2] = src[p2 + c];
      dst[to + 3] = src[p3 + c];
      dst[to + 4] = src[p4 + c];
      dst[to + 5] = src[p5 + c];
      dst[to + 6] = src[p6 + c];
      dst[to + 7] = src[p7 + c];
      to += dld;
    }
  }
}
