package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * 3×3 convolution with stride 1 by Winograd's algorithm F(4×4, 3×3): 36 instead of 144 products per
 * tile of 4×4 outputs.
 *
 * <p>A block of tiles is a task: its inputs are transformed, multiplied with the transformed weights
 * by one matrix product per point, and the products transformed back.
 */
final class WinogradConvolution {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;
  private static final int IN = WinogradTiles.IN;
  private static final int OUT = WinogradTiles.OUT;
  private static final int POINTS = WinogradTiles.POINTS;
  private static final int TAPS = 9;

  /** Tiles per task: the weights, 9 MiB for 256 channels, are read once per task. */
  private static final int MOST_TILES = 112;

  private static final int FEWEST_TILES = 28;
  private static final int ENOUGH_TASKS = 8;

  /** Below this many tiles the transformed weights cost more than they save. */
  private static final int WORTHWHILE_TILES = 16;

  private WinogradConvolution() {}

  /** True when these kernels can do the convolution of {@code s}, in all three directions. */
  static boolean suits(ConvSizes s) {
    return s.kh() == 3
        && s.kw() == 3
        && s.stride() == 1
        && s.padding() <= 2
        && s.c() % NR == 0
        && s.o() % NR == 0
        && s.c() >= 2 * NR
        && (long) s.batch() * s.oh() * s.ow() >= WORTHWHILE_TILES * OUT * OUT;
  }

  /** Floats of the transformed weights from {@code channels} to {@code columns}. */
  static int packedLength(int channels, int columns) {
    return POINTS * channels * columns;
  }

  /**
   * Transforms weights: tap t from channel c to column n is w[n·columnStep + c·channelStep + t], or
   * tap 8 − t when {@code flip}. Row c of strip s of point p starts at ((p·strips + s)·channels +
   * c)·NR.
   */
  static void pack(
      float[] w, int columnStep, int channelStep, boolean flip, int channels, int columns,
      float[] packed) {
    int strips = columns / NR;
    Parallel.forEach(
        strips,
        s -> {
          float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, (TAPS + 3 * IN) * NR);
          for (int c = 0; c < channels; c++) {
            for (int n = 0; n < NR; n++) {
              int from = (s * NR + n) * columnStep + c * channelStep;
              for (int t = 0; t < TAPS; t++) {
                work[t * NR + n] = w[from + (flip ? TAPS - 1 - t : t)];
              }
            }
            WinogradTransforms.weight(work, 0, 3 * NR, work, TAPS * NR, 3 * NR, 3 * NR);
            int pointStep = columns * channels;
            for (int r = 0; r < IN; r++) {
              WinogradTransforms.weight(
                  work, (TAPS + 3 * r) * NR, NR, packed,
                  r * IN * pointStep + (s * channels + c) * NR, pointStep, NR);
            }
          }
        });
  }

  /**
   * Convolves.
   *
   * @param x [batch, h, w, channels]
   * @param out [batch, oh, ow, columns]
   * @param e bias and ReLU; accumulating is not supported
   */
  static void run(
      float[] x, WinogradTiles tiles, int channels, float[] packed, float[] out, int columns,
      Epilogue e) {
    int count = tiles.count();
    int blockTiles =
        Math.clamp((count + ENOUGH_TASKS - 1) / ENOUGH_TASKS, FEWEST_TILES, MOST_TILES);
    int blocks = (count + blockTiles - 1) / blockTiles;
    int size = (count + blocks - 1) / blocks;
    float[] bias = Scratch.floats(Scratch.Slot.CONV_SUMS, columns);
    if (e.bias() == null) {
      Arrays.fill(bias, 0, columns, 0f);
    } else {
      System.arraycopy(e.bias(), 0, bias, 0, columns);
    }
    float floor = e.relu() ? 0f : Float.NEGATIVE_INFINITY;
    Parallel.forBlocks(
        count,
        size,
        (from, to) -> block(x, tiles, channels, packed, out, columns, bias, floor, from, to - from));
  }

  private static void block(
      float[] x,
      WinogradTiles tiles,
      int channels,
      float[] packed,
      float[] out,
      int columns,
      float[] bias,
      float floor,
      int first,
      int count) {
    int pieces = (channels + DEPTH - 1) / DEPTH;
    int pieceStep = (count + MR) * PITCH;
    int pointStep = pieces * pieceStep;
    float[] inputs = Scratch.floats(Scratch.Slot.CONV_TILE, POINTS * pointStep);
    float[] work = Scratch.floats(Scratch.Slot.GEMM_A, 2 * POINTS * channels);
    for (int t = 0; t < count; t++) {
      tiles.transformInput(
          first + t, x, channels, work, inputs, t * PITCH, pointStep, DEPTH, pieceStep);
    }
    int strips = columns / NR;
    int stripStep = (count + MR) * NR;
    float[] products = Scratch.floats(Scratch.Slot.CONV_OUT, POINTS * strips * stripStep);
    for (int p = 0; p < POINTS; p++) {
      for (int s = 0; s < strips; s++) {
        int i = p * strips + s;
        multiply(
            inputs, p * pointStep, pieceStep, count, channels, packed, i * channels * NR, products,
            i * stripStep);
      }
    }
    for (int t = 0; t < count; t++) {
      for (int s = 0; s < strips; s++) {
        store(
            products, s * stripStep + t * NR, strips * stripStep, tiles, first + t, out, columns,
            s * NR, bias, floor);
      }
    }
  }

  private static void multiply(
      float[] a, int ap, int pieceStep, int rows, int channels, float[] b, int bp, float[] t,
      int tp) {
    for (int c = 0; c < channels; c += DEPTH) {
      int depth = Math.min(DEPTH, channels - c);
      int height;
      for (int i = 0; i < rows; i += height) {
        height = GemmKernels.height(rows - i);
        GemmKernels.multiply(
            height, a, ap + c / DEPTH * pieceStep + i * PITCH, b, bp + c * NR, NR, depth, t,
            tp + i * NR, c > 0);
      }
    }
  }

  /** Transforms the products of one strip of one tile and writes the pixels inside the map. */
  private static void store(
      float[] products, int from, int pointStep, WinogradTiles tiles, int tile, float[] out,
      int columns, int column, float[] bias, float floor) {
    float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, 2 * OUT * IN * NR);
    for (int c = 0; c < IN; c++) {
      WinogradTransforms.output(
          products, from + c * pointStep, IN * pointStep, work, c * NR, IN * NR, NR);
    }
    int height = Math.min(OUT, tiles.oh() - tiles.y(tile));
    int width = Math.min(OUT, tiles.ow() - tiles.x(tile));
    int pixels = OUT * IN * NR;
    int to = tiles.outPixel(tile) * columns + column;
    for (int r = 0; r < height; r++) {
      WinogradTransforms.output(work, r * IN * NR, NR, work, pixels, NR, NR);
      for (int k = 0; k < width; k++) {
        WinogradTransforms.finish(work, pixels + k * NR, bias, column, floor, NR);
        System.arraycopy(
            work, pixels + k * NR, out, to + (r * tiles.ow() + k) * columns, NR);
      }
    }
  }
}
