package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * Convolution of every channel with a kernel of its own, vectorised over channels. Blocks of rows
 * of a group of channels are copied with their border first, so the inner loops have no edges.
 */
final class DepthwiseConvolution {
  private static final int LANES = DepthwiseKernels.LANES;
  private static final int PIXELS = DepthwiseKernels.PIXELS;
  private static final int TAPS = DepthwiseKernels.TAPS;

  /** Vectors of channels per task: four make whole runs of cache lines. */
  private static final int GROUP_VECTORS = 4;

  private static final int BLOCK_ROWS = 16;
  private static final int ENOUGH_TASKS = 12;

  private DepthwiseConvolution() {}

  private static int padded(int channels) {
    return (channels + LANES - 1) / LANES * LANES;
  }

  /** Floats that {@link #pack} writes. */
  static int packedLength(int channels, int taps) {
    return padded(channels) * taps;
  }

  /**
   * Brings weights [c, taps] to [taps, c] with c filled up to whole vectors; reversed when {@code
   * flip}.
   */
  static void pack(float[] w, int channels, int taps, boolean flip, float[] packed) {
    int step = padded(channels);
    Arrays.fill(packed, 0, step * taps, 0f);
    for (int c = 0; c < channels; c++) {
      for (int t = 0; t < taps; t++) {
        packed[t * step + c] = w[c * taps + (flip ? taps - 1 - t : t)];
      }
    }
  }

  /**
   * Convolves the large map x of {@code s} to its small map.
   *
   * @param packed weights from {@link #pack}
   * @param bias per channel, or null
   */
  static void run(float[] x, ConvSizes s, float[] packed, float[] bias, boolean relu, float[] out) {
    int vectors = padded(s.c()) / LANES;
    int groups = (vectors + GROUP_VECTORS - 1) / GROUP_VECTORS;
    int rows = Math.min(BLOCK_ROWS, Math.max(1, s.oh()));
    while (rows > 4 && s.batch() * groups * ((s.oh() + rows - 1) / rows) < ENOUGH_TASKS) {
      rows /= 2;
    }
    int blockRows = rows;
    int rowBlocks = (s.oh() + rows - 1) / rows;
    float[] start = Scratch.floats(Scratch.Slot.CONV_OUT, vectors * LANES);
    Arrays.fill(start, 0, vectors * LANES, 0f);
    if (bias != null) {
      System.arraycopy(bias, 0, start, 0, s.c());
    }
    Parallel.forEach(
        s.batch() * rowBlocks * groups,
        task -> {
          int group = task % groups;
          int i0 = task / groups % rowBlocks * blockRows;
          int image = task / groups / rowBlocks;
          block(
              x,
              s,
              packed,
              start,
              relu,
              out,
              image,
              i0,
              Math.min(blockRows, s.oh() - i0),
              group * GROUP_VECTORS);
        });
  }

  private static void block(
      float[] x,
      ConvSizes s,
      float[] packed,
      float[] start,
      boolean relu,
      float[] out,
      int image,
      int i0,
      int rows,
      int firstVector) {
    int c0 = firstVector * LANES;
    int channels = Math.min(GROUP_VECTORS * LANES, s.c() - c0);
    int inRows = (rows - 1) * s.stride() + s.kh();
    int inColumns = (s.ow() - 1) * s.stride() + s.kw();
    int plane = inRows * inColumns * LANES;
    float[] tile = Scratch.floats(Scratch.Slot.CONV_TILE, GROUP_VECTORS * plane);
    DepthwiseKernels.copyPlanes(
        x,
        image * s.h() * s.w() * s.c(),
        s.h(),
        s.w(),
        s.c(),
        c0,
        channels,
        i0 * s.stride() - s.padding(),
        -s.padding(),
        inRows,
        inColumns,
        tile,
        0,
        plane);
    for (int c = 0; c < channels; c += LANES) {
      int used = Math.min(LANES, channels - c);
      for (int i = 0; i < rows; i++) {
        int from = c / LANES * plane + i * s.stride() * inColumns * LANES;
        int to = ((image * s.oh() + i0 + i) * s.ow()) * s.c() + c0 + c;
        if (used == LANES) {
          row(tile, from, s, inColumns, packed, start, c0 + c, out, to, s.c());
        } else {
          float[] part = Scratch.floats(Scratch.Slot.GEMM_TILE, s.ow() * LANES);
          row(tile, from, s, inColumns, packed, start, c0 + c, part, 0, LANES);
          for (int j = 0; j < s.ow(); j++) {
            System.arraycopy(part, j * LANES, out, to + j * s.c(), used);
          }
        }
        if (relu) {
          relu(out, to, s.ow(), s.c(), used);
        }
      }
    }
  }

  private static void row(
      float[] tile,
      int from,
      ConvSizes s,
      int inColumns,
      float[] packed,
      float[] start,
      int channel,
      float[] out,
      int to,
      int outStep) {
    int rowStep = inColumns * LANES;
    int pixelStep = s.stride() * LANES;
    int weightStep = padded(s.c());
    int width = s.ow();
    if (width < PIXELS) {
      for (int j = 0; j < width; j++) {
        DepthwiseKernels.onePixel(
            tile,
            from + j * pixelStep,
            rowStep,
            packed,
            channel,
            weightStep,
            s.kh(),
            s.kw(),
            start,
            channel,
            out,
            to + j * outStep);
      }
      return;
    }
    for (int j = 0; j < width; j += PIXELS) {
      // The last eight pixels overlap those before: computing some twice spares a second loop.
      int first = Math.min(j, width - PIXELS);
      DepthwiseKernels.eightPixels(
          tile,
          from + first * pixelStep,
          rowStep,
          pixelStep,
          packed,
          channel,
          weightStep,
          s.kh(),
          s.kw(),
          start,
          channel,
          out,
          to + first * outStep,
          outStep);
    }
  }

  private static void relu(float[] out, int to, int pixels, int step, int channels) {
    for (int j = 0; j < pixels; j++) {
      for (int c = 0; c < channels; c++) {
        int at = to + j * step + c;
        out[at] = Math.max(out[at], 0f);
      }
    }
  }

  /** Gradient by the weight, gradW [c, 1, kh, kw]; a vector of channels is a task. */
  static void weightGradient(float[] g, float[] x, ConvSizes s, float[] gradW) {
    Parallel.forEach(padded(s.c()) / LANES, v -> weightGradient(g, x, s, gradW, v * LANES));
  }

  private static void weightGradient(float[] g, float[] x, ConvSizes s, float[] gradW, int c0) {
    int channels = Math.min(LANES, s.c() - c0);
    int taps = s.taps();
    int calls = (taps + TAPS - 1) / TAPS;
    int inColumns = (s.ow() - 1) * s.stride() + s.kw();
    int inRows = (BLOCK_ROWS - 1) * s.stride() + s.kh();
    float[] sums = Scratch.floats(Scratch.Slot.GEMM_TILE, calls * TAPS * LANES);
    Arrays.fill(sums, 0, calls * TAPS * LANES, 0f);
    float[] tile = Scratch.floats(Scratch.Slot.CONV_TILE, inRows * inColumns * LANES);
    float[] gradient = Scratch.floats(Scratch.Slot.CONV_OUT, BLOCK_ROWS * s.ow() * LANES);
    for (int image = 0; image < s.batch(); image++) {
      for (int i0 = 0; i0 < s.oh(); i0 += BLOCK_ROWS) {
        int rows = Math.min(BLOCK_ROWS, s.oh() - i0);
        DepthwiseKernels.copyPlanes(
            x,
            image * s.h() * s.w() * s.c(),
            s.h(),
            s.w(),
            s.c(),
            c0,
            channels,
            i0 * s.stride() - s.padding(),
            -s.padding(),
            (rows - 1) * s.stride() + s.kh(),
            inColumns,
            tile,
            0,
            0);
        DepthwiseKernels.copyPlanes(
            g,
            image * s.oh() * s.ow() * s.c(),
            s.oh(),
            s.ow(),
            s.c(),
            c0,
            channels,
            i0,
            0,
            rows,
            s.ow(),
            gradient,
            0,
            0);
        for (int i = 0; i < rows; i++) {
          gradientRow(gradient, i, tile, s, inColumns, calls, sums);
        }
      }
    }
    for (int c = 0; c < channels; c++) {
      for (int t = 0; t < taps; t++) {
        gradW[(c0 + c) * taps + t] = sums[t * LANES + c];
      }
    }
  }

  private static void gradientRow(
      float[] gradient, int i, float[] tile, ConvSizes s, int inColumns, int calls, float[] sums) {
    int from = i * s.stride() * inColumns * LANES;
    for (int call = 0; call < calls; call++) {
      int t = call * TAPS;
      DepthwiseKernels.fiveTaps(
          gradient,
          i * s.ow() * LANES,
          s.ow(),
          tile,
          from + tapOffset(t, s, inColumns),
          from + tapOffset(t + 1, s, inColumns),
          from + tapOffset(t + 2, s, inColumns),
          from + tapOffset(t + 3, s, inColumns),
          from + tapOffset(t + 4, s, inColumns),
          s.stride() * LANES,
          sums,
          t * LANES);
    }
  }

  /** Place of a tap's first input; taps past the last repeat it, their sums are not used. */
  private static int tapOffset(int tap, ConvSizes s, int inColumns) {
    int t = Math.min(tap, s.taps() - 1);
    return (t / s.kw() * inColumns + t % s.kw()) * LANES;
  }
}
