package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * 3×3 convolution with stride 1 by Winograd's algorithm F(4×4, 3×3): 36 instead of 144 products per
 * tile of 4×4 outputs.
 *
 * <p>A block of tiles is a task: its inputs are transformed, multiplied with the transformed
 * weights by one matrix product per point, and the products transformed back.
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
  private static final int MOST_TILES = 56;

  private static final int FEWEST_TILES = 28;
  private static final int ENOUGH_TASKS = 8;

  /** Terms summed at a time: shorter sums lose less, and the transforms magnify what is lost. */
  private static final int TERMS = 128;

  /**
   * Most tasks that share a block of a small map, each with some strips; all transform its inputs.
   */
  private static final int MOST_GROUPS = 4;

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
      float[] w,
      int columnStep,
      int channelStep,
      boolean flip,
      int channels,
      int columns,
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
                  work,
                  (TAPS + 3 * r) * NR,
                  NR,
                  packed,
                  r * IN * pointStep + (s * channels + c) * NR,
                  pointStep,
                  NR);
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
      float[] x,
      WinogradTiles tiles,
      int channels,
      float[] packed,
      float[] out,
      int columns,
      Epilogue e) {
    int count = tiles.count();
    int blockTiles = Math.clamp(Math.ceilDiv(count, ENOUGH_TASKS), FEWEST_TILES, MOST_TILES);
    int size = Math.ceilDiv(count, Math.ceilDiv(count, blockTiles));
    int blocks = Math.ceilDiv(count, size);
    float[] bias = Scratch.floats(Scratch.Slot.CONV_SUMS, columns);
    if (e.bias() == null) {
      Arrays.fill(bias, 0, columns, 0f);
    } else {
      System.arraycopy(e.bias(), 0, bias, 0, columns);
    }
    float floor = e.relu() ? 0f : Float.NEGATIVE_INFINITY;
    int strips = columns / NR;
    int groups = Math.min(Math.min(strips, MOST_GROUPS), Math.ceilDiv(ENOUGH_TASKS, blocks));
    Parallel.forEach(
        blocks * groups,
        task -> {
          int first = task / groups * size;
          int group = task % groups;
          block(
              x,
              tiles,
              channels,
              packed,
              out,
              columns,
              bias,
              floor,
              first,
              Math.min(size, count - first),
              group * strips / groups,
              (group + 1) * strips / groups);
        });
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
      int count,
      int fromStrip,
      int toStrip) {
    int pieces = (channels + DEPTH - 1) / DEPTH;
    int pieceStep = (count + MR) * PITCH;
    int pointStep = pieces * pieceStep;
    float[] inputs = Scratch.floats(Scratch.Slot.CONV_TILE, POINTS * pointStep);
    float[] work = Scratch.floats(Scratch.Slot.GEMM_A, WinogradTiles.workLength(channels));
    for (int t = 0; t < count; t += WinogradTiles.GROUP) {
      tiles.transformInputs(
          first + t,
          Math.min(WinogradTiles.GROUP, count - t),
          x,
          channels,
          work,
          inputs,
          t * PITCH,
          PITCH,
          pointStep,
          DEPTH,
          pieceStep);
    }
    int strips = toStrip - fromStrip;
    int stripStep = (count + MR) * NR;
    float[] products = Scratch.floats(Scratch.Slot.CONV_OUT, POINTS * strips * stripStep);
    for (int p = 0; p < POINTS; p++) {
      for (int s = 0; s < strips; s++) {
        int weights = (p * (columns / NR) + fromStrip + s) * channels * NR;
        multiply(
            inputs,
            p * pointStep,
            pieceStep,
            count,
            channels,
            packed,
            weights,
            products,
            (p * strips + s) * stripStep);
      }
    }
    for (int s = 0; s < strips; s++) {
      store(
          products,
          s * stripStep,
          strips * stripStep,
          tiles,
          first,
          count,
          out,
          columns,
          (fromStrip + s) * NR,
          bias,
          floor);
    }
  }

  private static void multiply(
      float[] a,
      int ap,
      int pieceStep,
      int rows,
      int channels,
      float[] b,
      int bp,
      float[] t,
      int tp) {
    for (int c = 0; c < channels; c += TERMS) {
      int depth = Math.min(TERMS, channels - c);
      int from = ap + c / DEPTH * pieceStep + c % DEPTH;
      int height;
      for (int i = 0; i < rows; i += height) {
        height = GemmKernels.height(rows - i);
        GemmKernels.multiply(
            height, a, from + i * PITCH, b, bp + c * NR, NR, depth, t, tp + i * NR, c > 0);
      }
    }
  }

  /** Transforms the products of one strip and writes the pixels inside the map. */
  private static void store(
      float[] products,
      int from,
      int pointStep,
      WinogradTiles tiles,
      int first,
      int count,
      float[] out,
      int columns,
      int column,
      float[] bias,
      float floor) {
    int length = count * NR;
    float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, OUT * IN * length + OUT * NR);
    for (int c = 0; c < IN; c++) {
      WinogradTransforms.output(
          products, from + c * pointStep, IN * pointStep, work, c * length, IN * length, length);
    }
    int pixels = OUT * IN * length;
    for (int t = 0; t < count; t++) {
      int tile = first + t;
      int height = Math.min(OUT, tiles.oh() - tiles.y(tile));
      int width = Math.min(OUT, tiles.ow() - tiles.x(tile));
      int to = tiles.outPixel(tile) * columns + column;
      for (int r = 0; r < height; r++) {
        WinogradTransforms.output(work, r * IN * length + t * NR, length, work, pixels, NR, NR);
        int row = to + r * tiles.ow() * columns;
        for (int k = 0; k < width; k++) {
          WinogradTransforms.finish(
              work, pixels + k * NR, bias, column, floor, out, row + k * columns, NR);
        }
      }
    }
  }
}
