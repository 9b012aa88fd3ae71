package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * Convolution by Winograd's algorithm on 6×6 input patches: 36 products per tile instead of 144 for
 * 4×4 outputs of a 3×3 kernel, or 144 instead of 400 for the 10×10 outputs of a transposed 4×4
 * kernel.
 *
 * <p>Of a block of tiles the inputs are transformed, multiplied with the transformed weights by one
 * matrix product per point, and the products transformed back; all threads share each of the three
 * steps. A point's weights stay in the second-level cache while the block's inputs pass by.
 */
final class WinogradConvolution {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;
  private static final int ALIGN = Scratch.ALIGN;
  private static final int IN = WinogradTiles.IN;
  private static final int POINTS = WinogradTiles.POINTS;

  /** Most tiles of a block: enough to use a point's weights often, few enough for the cache. */
  private static final int MOST_TILES = 14 * MR;

  /** The same for {@link #mostTiles small caches}. */
  private static final int FEW_TILES = 4 * MR;

  /** Fewer bytes of second-level cache are small. */
  private static final long USUAL_CACHE = 3L << 19;

  /** More threads than this need the tasks of a large block. */
  private static final int FEW_THREADS = 4;

  /** Most floats of a block's transformed inputs or of its products. */
  private static final int BLOCK_FLOATS = 10_000_000;

  /** Terms summed at a time: shorter sums lose less, and the transforms magnify what is lost. */
  private static final int TERMS = 128;

  /** Tiles whose inputs are transformed together. */
  private static final int INPUT_CHUNK = 4;

  /**
   * Tiles whose products are transformed together: the runs read must be long enough for the memory
   * to stay ahead.
   */
  private static final int OUTPUT_CHUNK = 14;

  /** Keeps the points of a tile, or of a weight, out of each other's cache sets. */
  private static final int SKEW = 48;

  /**
   * Most channels whose weights are transformed together: a point's are written in runs of so many
   * rows of a strip, long enough for the memory to stay ahead.
   */
  private static final int PACK_CHANNELS = 32;

  /** Below this many tiles the transformed weights cost more than they save. */
  private static final int WORTHWHILE_TILES = 17;

  private WinogradConvolution() {}

  /** The shape for the convolution of {@code s}, in all three directions, or null for no use. */
  static WinogradShape suits(ConvSizes s) {
    WinogradShape shape = WinogradShape.of(s);
    if (shape == null || s.c() % NR != 0 || s.o() % NR != 0 || s.c() < 2 * NR) {
      return null;
    }
    return shape.toSmall(s).count() >= WORTHWHILE_TILES ? shape : null;
  }

  /** Floats of the transformed weights from {@code channels} to {@code columns}. */
  static int packedLength(int channels, int columns) {
    return ALIGN + POINTS * pointStep(channels, columns);
  }

  private static int pointStep(int channels, int columns) {
    return channels * columns + SKEW;
  }

  /**
   * Where the weights of a convolution lie: tap t from channel c to column n, both counted within a
   * phase, at n·columnStep + c·channelStep + taps[phase][t].
   *
   * @param kernel taps along one axis
   * @param phasesOfColumns whether the phases are those of the output
   */
  record Weights(
      int kernel,
      int columns,
      int columnStep,
      int channels,
      int channelStep,
      boolean phasesOfColumns,
      int[][] taps) {
    int from(int column, int channel) {
      return column % columns * columnStep + channel % channels * channelStep;
    }

    int[] tapsOf(int column, int channel) {
      return taps[phasesOfColumns ? column / columns : channel / channels];
    }

    int allColumns() {
      return columns * (phasesOfColumns ? taps.length : 1);
    }

    int allChannels() {
      return channels * (phasesOfColumns ? 1 : taps.length);
    }
  }

  /**
   * Transforms weights. Row c of strip s of point p starts at {@link Scratch#ALIGN} + p·pointStep +
   * (s·channels + c)·NR.
   */
  static void pack(float[] w, Weights weights, float[] packed) {
    int columns = weights.allColumns();
    int channels = weights.allChannels();
    int r = weights.kernel;
    int taps = r * r;
    int pointStep = pointStep(channels, columns);
    Parallel.forEach(
        columns / NR,
        s -> {
          int plane = PACK_CHANNELS * NR;
          int gathered = taps * plane;
          float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, gathered + r * IN * plane);
          int count;
          for (int c = 0; c < channels; c += count) {
            // All of one phase; a phase's columns are a multiple of NR.
            count = Math.min(PACK_CHANNELS, weights.channels - c % weights.channels);
            new WeightGather(
                    weights.columnStep,
                    weights.channelStep,
                    Math.min(weights.columnStep, weights.channelStep),
                    weights.tapsOf(s * NR, c),
                    NR,
                    plane)
                .run(w, weights.from(s * NR, c), count, NR, work, 0);
            WinogradTransforms.weight(r, work, 0, r * plane, work, gathered, r * plane, r * plane);
            int to = ALIGN + (s * channels + c) * NR;
            for (int y = 0; y < IN; y++) {
              int row = gathered + r * y * plane;
              int point = to + y * IN * pointStep;
              WinogradTransforms.weight(r, work, row, plane, packed, point, pointStep, count * NR);
            }
          }
        });
  }

  /**
   * Convolves.
   *
   * @param x map of side {@code in}
   * @param out map of side {@code to}
   * @param e bias and ReLU; accumulating is not supported
   */
  static void run(
      float[] x,
      WinogradSide in,
      WinogradTiles tiles,
      float[] packed,
      float[] out,
      WinogradSide to,
      Epilogue e) {
    int most = mostTiles(in.width(), to.width(), CacheSizes.L2, Parallel.threads());
    run(x, in, tiles, packed, out, to, e, most);
  }

  /**
   * Most tiles of a block, on which no result depends. Where the second-level cache is small but
   * holds a point's weights several times, reading these more often costs less than tiles that
   * don't fit.
   *
   * @param channels those of all phases, whose weights are read for each block
   * @param columns likewise
   * @param cache bytes of the second-level cache
   */
  static int mostTiles(int channels, int columns, long cache, int threads) {
    boolean few =
        cache < USUAL_CACHE
            && threads <= FEW_THREADS
            && 4L * Float.BYTES * channels * columns <= cache;
    int fit = BLOCK_FLOATS / POINTS / Math.max(channels, columns);
    return Math.clamp(fit, MR, few ? FEW_TILES : MOST_TILES);
  }

  /** {@link #run} with at most {@code most} tiles in a block. */
  static void run(
      float[] x,
      WinogradSide in,
      WinogradTiles tiles,
      float[] packed,
      float[] out,
      WinogradSide to,
      Epilogue e,
      int most) {
    int count = tiles.count();
    int block = Math.ceilDiv(Math.ceilDiv(count, Math.ceilDiv(count, most)), MR) * MR;
    float[] bias = Scratch.floats(Scratch.Slot.CONV_SUMS, to.channels());
    if (e.bias() == null) {
      Arrays.fill(bias, 0, to.channels(), 0f);
    } else {
      System.arraycopy(e.bias(), 0, bias, 0, to.channels());
    }
    float floor = e.relu() ? 0f : Float.NEGATIVE_INFINITY;
    Result result = new Result(out, to, tiles, bias, floor);
    Buffers buffers = new Buffers(block, in, to);
    for (int first = 0; first < count; first += block) {
      block(x, in, packed, result, first, Math.min(block, count - first), buffers);
    }
  }

  /** Where products go: the output map, and what is done to its sums. */
  private record Result(
      float[] out, WinogradSide side, WinogradTiles tiles, float[] bias, float floor) {}

  /** Transformed inputs and products of a block, one phase of either map at a time. */
  private static final class Buffers {
    /** Channels of the weights, those of all phases. */
    final int channels;

    final int strips;
    final int pieceStep;
    final int pointStep;
    final float[] inputs;
    final int stripStep;
    final int productStep;
    final int weightStep;
    final float[] products;

    Buffers(int tiles, WinogradSide in, WinogradSide to) {
      this.channels = in.width();
      this.strips = to.channels() / NR;
      this.weightStep = WinogradConvolution.pointStep(channels, to.width());
      // Kernels read and write whole tiles of MR rows, the output transform whole chunks.
      pieceStep = (tiles + MR) * PITCH;
      pointStep = Math.ceilDiv(in.channels(), DEPTH) * pieceStep + SKEW;
      inputs = Scratch.floats(Scratch.Slot.CONV_TILE, ALIGN + POINTS * pointStep);
      stripStep = (tiles + Math.max(MR, OUTPUT_CHUNK)) * NR;
      productStep = strips * stripStep + SKEW;
      products = Scratch.floats(Scratch.Slot.CONV_OUT, ALIGN + POINTS * productStep);
    }
  }

  /**
   * A block of tiles, one phase after the other so that what is transformed stays in the cache. One
   * of the maps has a single phase: the output's, whose products then add up over those of the
   * input, or the input's, whose transform then serves all of the output.
   */
  private static void block(
      float[] x, WinogradSide in, float[] packed, Result result, int first, int count, Buffers b) {
    for (int i = 0; i < in.phases(); i++) {
      WinogradSide from = in.phase(i);
      int channel = i * in.channels();
      Parallel.forBlocks(
          count, INPUT_CHUNK, (t0, t1) -> transform(x, from, result.tiles, first, t0, t1, b));
      for (int o = 0; o < result.side.phases(); o++) {
        WinogradSide to = result.side.phase(o);
        int strip = o * b.strips;
        Parallel.forEach(
            POINTS,
            point -> {
              for (int s = 0; s < b.strips; s++) {
                multiply(b, point, s, strip + s, channel, in.channels(), count, packed);
              }
            });
        if (i == in.phases() - 1) {
          Parallel.forBlocks(
              count,
              OUTPUT_CHUNK,
              (t0, t1) -> {
                for (int s = 0; s < b.strips; s++) {
                  store(b, result, to, first, t0, t1, s);
                }
              });
        }
      }
    }
  }

  private static void transform(
      float[] x, WinogradSide in, WinogradTiles tiles, int first, int from, int to, Buffers b) {
    float[] work =
        Scratch.floats(Scratch.Slot.GEMM_A, ALIGN + WinogradTiles.workLength(in.channels()));
    tiles.transformInputs(
        in,
        first + from,
        to - from,
        x,
        work,
        b.inputs,
        ALIGN + from * PITCH,
        PITCH,
        b.pointStep,
        DEPTH,
        b.pieceStep);
  }

  /**
   * Products of one point and strip with some channels, added to those of the channels before.
   *
   * @param s strip of the products
   * @param weightStrip the same strip of the weights
   * @param first of the channels, as the weights count them
   */
  private static void multiply(
      Buffers b,
      int point,
      int s,
      int weightStrip,
      int first,
      int channels,
      int rows,
      float[] packed) {
    int weights = ALIGN + point * b.weightStep + (weightStrip * b.channels + first) * NR;
    int inputs = ALIGN + point * b.pointStep;
    int to = ALIGN + point * b.productStep + s * b.stripStep;
    for (int c = 0; c < channels; c += TERMS) {
      int depth = Math.min(TERMS, channels - c);
      int at = inputs + c / DEPTH * b.pieceStep + c % DEPTH;
      int height;
      for (int i = 0; i < rows; i += height) {
        height = GemmKernels.height(rows - i);
        GemmKernels.multiply(
            height,
            b.inputs,
            at + i * PITCH,
            packed,
            weights + c * NR,
            depth,
            b.products,
            to + i * NR,
            first + c > 0);
      }
    }
  }

  /** Transforms the products of a strip for tiles from … to − 1; writes what is in the map. */
  private static void store(
      Buffers b, Result result, WinogradSide side, int first, int from, int to, int s) {
    WinogradTiles tiles = result.tiles;
    int m = tiles.out();
    int column = s * NR;
    int phase = side.firstPhase();
    int length = OUTPUT_CHUNK * NR;
    float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, ALIGN + m * IN * length + m * NR);
    int pixels = ALIGN + m * IN * length;
    for (int c = 0; c < IN; c++) {
      WinogradTransforms.output(
          m,
          b.products,
          ALIGN + c * b.productStep + s * b.stripStep + from * NR,
          IN * b.productStep,
          work,
          ALIGN + c * length,
          IN * length,
          length);
    }
    for (int t = from; t < to; t++) {
      int y0 = tiles.y(side, first + t, phase);
      int x0 = tiles.x(side, first + t, phase);
      int skip = x0 < 0 ? 1 : 0;
      int end = Math.min(m, Math.ceilDiv(side.w() - x0, side.step()));
      for (int r = y0 < 0 ? 1 : 0; r < m && y0 + r * side.step() < side.h(); r++) {
        int row = ALIGN + r * IN * length + (t - from) * NR;
        WinogradTransforms.output(m, work, row, length, work, pixels, NR, NR);
        int y = y0 + r * side.step();
        WinogradTransforms.finish(
            work,
            pixels + skip * NR,
            result.bias,
            column,
            result.floor,
            result.out,
            tiles.pixel(side, first + t, y, x0 + skip * side.step()) * side.channels() + column,
            side.step() * side.channels(),
            end - skip,
            NR);
      }
    }
  }
}
