package dev.changenet.tensor.cpu;

/**
 * The two kinds of convolution that Winograd's algorithm is used for, as a small map, a large map
 * and a table of taps.
 *
 * <ul>
 *   <li>3×3 with stride 1: one phase on both sides, tiles of 4×4 outputs, F(4×4, 3×3).
 *   <li>4×4 with stride 2 and padding 1, the transposed convolution that doubles a map: the large
 *       map has four phases, each of which is a 2×2 convolution of the small map, F(5×5, 2×2). All
 *       four share the transformed patches of the small map.
 * </ul>
 */
enum WinogradShape {
  THREE(3, 4, 1),
  TRANSPOSED(2, 5, 2);

  /** Taps of a phase along one axis. */
  final int kernel;

  /** Samples of a tile along one axis. */
  final int out;

  /** Stride between the small and the large map. */
  final int stride;

  WinogradShape(int kernel, int out, int stride) {
    this.kernel = kernel;
    this.out = out;
    this.stride = stride;
  }

  /** The shape that does the convolution of {@code s}, or null. */
  static WinogradShape of(ConvSizes s) {
    if (s.kh() != s.kw()) {
      return null;
    }
    if (s.kh() == 3 && s.stride() == 1 && s.padding() <= 2) {
      return THREE;
    }
    boolean doubles = s.h() == 2 * s.oh() && s.w() == 2 * s.ow();
    return s.kh() == 4 && s.stride() == 2 && s.padding() == 1 && doubles ? TRANSPOSED : null;
  }

  /** Taps of a phase. */
  int taps() {
    return kernel * kernel;
  }

  /** Tiles for which the small map is the output. */
  WinogradTiles toSmall(ConvSizes s) {
    return new WinogradTiles(s.batch(), Math.ceilDiv(s.oh(), out), Math.ceilDiv(s.ow(), out), out);
  }

  /** Tiles for which the large map is the output. */
  WinogradTiles toLarge(ConvSizes s) {
    // Phases that begin one sample earlier end one sample earlier, too.
    int more = stride - 1;
    return new WinogradTiles(
        s.batch(),
        Math.ceilDiv(s.h() / stride + more, out),
        Math.ceilDiv(s.w() / stride + more, out),
        out);
  }

  /** The large map, as input or output. */
  WinogradSide large(ConvSizes s, boolean input) {
    int shift = this == THREE && input ? -s.padding() : 0;
    return WinogradSide.of(s.batch(), s.h(), s.w(), s.c(), stride, shift);
  }

  /** The small map, as input or output. */
  WinogradSide small(ConvSizes s, boolean input) {
    int before = this == THREE ? s.kh() - 1 - s.padding() : 1;
    return WinogradSide.of(s.batch(), s.oh(), s.ow(), s.o(), 1, input ? -before : 0);
  }

  /**
   * Where in a kernel's plane the taps of each phase of the large map lie.
   *
   * @param flip taps as the walk from the small map to the large one meets them
   */
  int[][] tapsOfPhases(boolean flip) {
    int[][] taps = new int[stride * stride][];
    for (int p = 0; p < taps.length; p++) {
      taps[p] = tapsOf(p, flip);
    }
    return taps;
  }

  private int[] tapsOf(int phase, boolean flip) {
    int[] taps = new int[taps()];
    int py = phase / stride;
    int px = phase % stride;
    for (int t = 0; t < taps.length; t++) {
      int ty = t / kernel;
      int tx = t % kernel;
      if (this == THREE) {
        taps[t] = flip ? taps.length - 1 - t : t;
      } else if (flip) {
        taps[t] = (3 - py - 2 * ty) * 4 + 3 - px - 2 * tx;
      } else {
        taps[t] = (1 - py + 2 * ty) * 4 + 1 - px + 2 * tx;
      }
    }
    return taps;
  }
}
