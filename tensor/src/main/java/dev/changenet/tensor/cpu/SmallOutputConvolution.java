package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;

/**
 * Convolution with stride 1 to very few channels (class logits): dot products along the input
 * channels, read where they are.
 */
final class SmallOutputConvolution {
  private static final int ROWS = RowDots.ROWS;

  private SmallOutputConvolution() {}

  /** True when this is the better way for a convolution of these sizes. */
  static boolean suits(ConvSizes s) {
    return s.o() <= RowDots.FEW && s.c() >= 16 && s.stride() == 1 && !s.pointwise();
  }

  /** Brings weights [o, c, taps] to [o, taps, c]. */
  static void pack(float[] w, ConvSizes s, float[] packed) {
    for (int o = 0; o < s.o(); o++) {
      Transposition.run(
          w, o * s.c() * s.taps(), s.taps(), s.c(), s.taps(), packed, o * s.c() * s.taps(), s.c());
    }
  }

  /** Convolves x [batch, h, w, c] to out [batch, oh, ow, o]. */
  static void run(float[] x, ConvSizes s, float[] packed, float[] out, Epilogue e) {
    Parallel.forEach(s.batch() * s.oh(), row -> row(x, s, packed, out, e, row));
  }

  private static void row(
      float[] x, ConvSizes s, float[] packed, float[] out, Epilogue e, int row) {
    int y0 = row % s.oh() - s.padding();
    int image = row / s.oh() * s.h() * s.w() * s.c();
    int[] from = new int[s.taps()];
    int[] weight = new int[s.taps()];
    int j = 0;
    while (j < s.ow()) {
      int x0 = j - s.padding();
      boolean inner = x0 >= 0 && x0 + ROWS - 1 + s.kw() <= s.w() && j + ROWS <= s.ow();
      int taps = 0;
      for (int t = 0; t < s.taps(); t++) {
        int y = y0 + t / s.kw();
        int column = x0 + t % s.kw();
        if (y >= 0 && y < s.h() && column >= 0 && column < s.w()) {
          from[taps] = image + (y * s.w() + column) * s.c();
          weight[taps++] = t * s.c();
        }
      }
      int count = inner ? ROWS : 1;
      pixels(x, s, from, packed, weight, taps, out, e, (row * s.ow() + j) * s.o(), count);
      j += count;
    }
  }

  private static void pixels(
      float[] x,
      ConvSizes s,
      int[] from,
      float[] packed,
      int[] weight,
      int taps,
      float[] out,
      Epilogue e,
      int to,
      int count) {
    float[] t = Scratch.floats(Scratch.Slot.GEMM_TILE, RowDots.SUMS);
    int step = count == 1 ? 0 : s.c();
    int weights = s.taps() * s.c();
    for (int o = 0; o < s.o(); o += 2) {
      RowDots.fourByTwo(
          x,
          0,
          step,
          2 * step,
          3 * step,
          from,
          packed,
          o * weights,
          Math.min(o + 1, s.o() - 1) * weights,
          weight,
          taps,
          s.c(),
          t);
      for (int p = 0; p < count; p++) {
        for (int q = o; q < Math.min(o + 2, s.o()); q++) {
          float v = t[2 * p + q - o];
          if (e.bias() != null) {
            v += e.bias()[q];
          }
          out[to + p * s.o() + q] = e.relu() ? Math.max(v, 0f) : v;
        }
      }
    }
  }
}
