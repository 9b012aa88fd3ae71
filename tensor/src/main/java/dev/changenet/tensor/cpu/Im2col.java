package dev.changenet.tensor.cpu;

/**
 * Gathers the inputs of an output pixel, tap by tap, into one row. Used for maps of few channels,
 * where a tap alone is too short a sum for {@link GemmKernels}.
 */
final class Im2col {
  private Im2col() {}

  /**
   * Writes, for output pixels (i, j0 … j0 + count − 1) of the phase, channel c of tap t to position
   * q = t·channels + c of the pixel's row.
   *
   * @param x map of h × w pixels of c channels starting at xp
   * @param width positions per row; those from taps·channels on become 0
   * @param rowStep distance of the rows of dst
   * @param piece positions that lie side by side: position q goes to q mod piece of piece q / piece
   * @param pieceStep distance of the pieces
   */
  static void run(
      ConvPhase phase,
      float[] x,
      int xp,
      int h,
      int w,
      int channels,
      int i,
      int j0,
      int count,
      int width,
      float[] dst,
      int dp,
      int rowStep,
      int piece,
      int pieceStep) {
    int gap = pieceStep - piece;
    for (int n = 0; n < count; n++) {
      int at = dp + n * rowStep;
      int inPiece = 0;
      for (int t = 0; t < phase.taps(); t++) {
        int y = i * phase.inStep() + phase.dy()[t];
        int column = (j0 + n) * phase.inStep() + phase.dx()[t];
        boolean inside = y >= 0 && y < h && column >= 0 && column < w;
        int from = xp + (y * w + column) * channels;
        for (int c = 0; c < channels; c++) {
          dst[at++] = inside ? x[from + c] : 0f;
          if (++inPiece == piece) {
            inPiece = 0;
            at += gap;
          }
        }
      }
      for (int q = phase.taps() * channels; q < width; q++) {
        dst[at++] = 0f;
        if (++inPiece == piece) {
          inPiece = 0;
          at += gap;
        }
      }
    }
  }
}
