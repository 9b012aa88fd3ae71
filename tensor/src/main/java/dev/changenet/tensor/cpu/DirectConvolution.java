package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * Convolution as an implicit matrix product: a block of output pixels is computed from a copy of
 * the input pixels around it ({@link ConvTile}) that {@link GemmKernels} reads tap by tap, so
 * nothing is expanded kh·kw times. Maps of few channels are expanded per block ({@link Im2col}).
 *
 * <p>The sum runs over channel chunks, taps, channels in a chunk; the packed weights have the same
 * order.
 */
final class DirectConvolution {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;

  /** With fewer channels taps are gathered before the product. */
  private static final int FEW_CHANNELS = 16;

  /** Output columns per task; a map that is little wider is cut evenly. */
  private static final int BLOCK_WIDTH = 64;

  /** Output pixels × channels per task: with its border the copy takes about half of L2. */
  private static final int BLOCK_FLOATS = 256 * 256;

  private static final int ENOUGH_TASKS = 12;

  private final ConvPhase[] phases;
  private final int channels;
  private final int columns;
  private final boolean gather;

  /** Convolution of a map of {@code channels} channels to one of {@code columns} channels. */
  DirectConvolution(ConvPhase[] phases, int channels, int columns) {
    this.phases = phases;
    this.channels = channels;
    this.columns = columns;
    this.gather = channels < FEW_CHANNELS;
  }

  /** Floats of the packed weights of all phases. */
  int packedLength() {
    int taps = 0;
    for (ConvPhase p : phases) {
      taps += p.taps();
    }
    return Gemm.packedLength(columns, taps * channels);
  }

  /** Packs the weights: tap t from channel c to column n is w[n·columnStep + c·channelStep + t]. */
  void pack(float[] w, int columnStep, int channelStep, float[] packed) {
    int strips = GemmPack.strips(columns);
    int offset = 0;
    for (ConvPhase p : phases) {
      int start = offset;
      int length = p.taps() * channels * NR;
      Parallel.forEach(
          strips, s -> packStrip(w, columnStep, channelStep, p, s, packed, start + s * length));
      offset += strips * length;
    }
  }

  private void packStrip(
      float[] w, int columnStep, int channelStep, ConvPhase phase, int s, float[] dst, int dp) {
    int n0 = s * NR;
    int used = Math.min(NR, columns - n0);
    int taps = phase.taps();
    for (int c0 = 0; c0 < channels; c0 += DEPTH) {
      int depth = Math.min(DEPTH, channels - c0);
      new WeightGather(
              columnStep,
              channelStep,
              Math.min(columnStep, channelStep),
              phase.tap(),
              NR,
              depth * NR)
          .run(w, n0 * columnStep + c0 * channelStep, depth, used, dst, dp + c0 * taps * NR);
    }
  }

  /**
   * Convolves.
   *
   * @param x [batch, h, w, channels]
   * @param out [batch, oh, ow, columns]
   */
  void run(
      float[] x, int batch, int h, int w, float[] packed, float[] out, int oh, int ow, Epilogue e) {
    int height = 0;
    int width = 0;
    for (ConvPhase p : phases) {
      height = Math.max(height, p.height());
      width = Math.max(width, p.width());
    }
    if (batch == 0 || height == 0 || width == 0) {
      return;
    }
    int columnBlocks = (width + BLOCK_WIDTH - 1) / BLOCK_WIDTH;
    int blockWidth = (width + columnBlocks - 1) / columnBlocks;
    int blockHeight =
        Math.clamp(BLOCK_FLOATS / Math.max(1, blockWidth * channels * phases[0].inStep()), 1, 16);
    blockHeight = Math.min(blockHeight, height);
    // Of a small map every block would read all weights again: its tasks share out columns.
    boolean small = (long) batch * h * w * channels < packedLength();
    while (!small
        && blockHeight > 2
        && batch * columnBlocks * ((height + blockHeight - 1) / blockHeight) < ENOUGH_TASKS) {
      blockHeight = (blockHeight + 1) / 2;
    }
    int rowBlocks = (height + blockHeight - 1) / blockHeight;
    int blocks = batch * rowBlocks * columnBlocks;
    int strips = GemmPack.strips(columns);
    int groups = Math.min(strips, (ENOUGH_TASKS + blocks - 1) / blocks);
    ConvTile tile = ConvTile.of(phases, blockHeight, blockWidth);
    Map map = new Map(x, batch, h, w, packed, out, oh, ow, e);
    int bh = blockHeight;
    Parallel.forEach(
        blocks * groups,
        task -> {
          int group = task % groups;
          int block = task / groups;
          int j0 = block % columnBlocks * blockWidth;
          int i0 = block / columnBlocks % rowBlocks * bh;
          int image = block / columnBlocks / rowBlocks;
          new Block(map, tile, image, i0, j0, bh, blockWidth)
              .run(group * strips / groups, (group + 1) * strips / groups);
        });
  }

  /** Input, weights and output of one run. */
  private record Map(
      float[] x,
      int batch,
      int h,
      int w,
      float[] packed,
      float[] out,
      int oh,
      int ow,
      Epilogue epilogue) {}

  /** One task: a block of output pixels, for some strips of output channels. */
  private final class Block {
    private final Map map;
    private final ConvTile tile;
    private final int image;
    private final int i0;
    private final int j0;
    private final int blockHeight;
    private final int blockWidth;
    private final float[] sums;
    private float[] inputs;
    private int pixelsPerRow;
    private int[] start;
    private int[] depth;

    Block(Map map, ConvTile tile, int image, int i0, int j0, int blockHeight, int blockWidth) {
      this.map = map;
      this.tile = tile;
      this.image = image;
      this.i0 = i0;
      this.j0 = j0;
      this.blockHeight = blockHeight;
      this.blockWidth = blockWidth;
      // Every tile but the last two of a row has MR columns.
      this.sums = Scratch.floats(Scratch.Slot.GEMM_TILE, (blockWidth / MR + 2) * MR * NR);
    }

    void run(int fromStrip, int toStrip) {
      if (!gather) {
        copyInputs();
      }
      int weights = 0;
      for (ConvPhase phase : phases) {
        int rows = Math.min(blockHeight, phase.height() - i0);
        int width = Math.min(blockWidth, phase.width() - j0);
        int stripLength = phase.taps() * channels * NR;
        if (rows > 0 && width > 0) {
          if (gather) {
            gatherInputs(phase, rows, width);
          } else {
            locateTaps(phase);
          }
          for (int s = fromStrip; s < toStrip; s++) {
            for (int i = 0; i < rows; i++) {
              row(phase, i, width, s, weights + s * stripLength);
            }
          }
        }
        weights += GemmPack.strips(columns) * stripLength;
      }
    }

    private void copyInputs() {
      int chunks = (channels + DEPTH - 1) / DEPTH;
      int chunk = tile.pixels() * PITCH;
      inputs = Scratch.floats(Scratch.Slot.CONV_TILE, chunks * chunk + MR * PITCH);
      pixelsPerRow = tile.planes() * tile.rowPixels();
      int from = image * map.h * map.w * channels;
      for (int c0 = 0; c0 < channels; c0 += DEPTH) {
        tile.fill(
            map.x,
            from,
            map.h,
            map.w,
            channels,
            c0,
            Math.min(DEPTH, channels - c0),
            i0,
            j0,
            inputs,
            c0 / DEPTH * chunk,
            PITCH);
      }
    }

    private void locateTaps(ConvPhase phase) {
      int chunks = (channels + DEPTH - 1) / DEPTH;
      int taps = phase.taps();
      start = new int[chunks * taps];
      depth = new int[chunks * taps];
      for (int i = 0; i < start.length; i++) {
        int t = i % taps;
        int chunk = i / taps;
        start[i] = (chunk * tile.pixels() + tile.pixel(phase.dy()[t], phase.dx()[t])) * PITCH;
        depth[i] = Math.min(DEPTH, channels - chunk * DEPTH);
      }
    }

    private void gatherInputs(ConvPhase phase, int rows, int width) {
      int terms = phase.taps() * channels;
      int pieces = (terms + DEPTH - 1) / DEPTH;
      int pieceStep = rows * width * PITCH;
      inputs = Scratch.floats(Scratch.Slot.CONV_TILE, pieces * pieceStep + MR * PITCH);
      pixelsPerRow = width;
      int from = image * map.h * map.w * channels;
      for (int i = 0; i < rows; i++) {
        Im2col.run(
            phase,
            map.x,
            from,
            map.h,
            map.w,
            channels,
            i0 + i,
            j0,
            width,
            terms,
            inputs,
            i * width * PITCH,
            PITCH,
            DEPTH,
            pieceStep);
      }
      start = new int[pieces];
      depth = new int[pieces];
      for (int i = 0; i < pieces; i++) {
        start[i] = i * pieceStep;
        depth[i] = Math.min(DEPTH, terms - i * DEPTH);
      }
    }

    /** Row {@code i} of the block, strip {@code s}, whose weights start at {@code wp}. */
    private void row(ConvPhase phase, int i, int width, int s, int wp) {
      int outRow = (i0 + i) * phase.outStep() + phase.outY();
      int outColumn = j0 * phase.outStep() + phase.outX();
      int to = ((image * map.oh + outRow) * map.ow + outColumn) * columns + s * NR;
      int pixelStep = phase.outStep() * columns;
      int used = Math.min(NR, columns - s * NR);
      sum(i * pixelsPerRow, width, wp);
      int height;
      for (int j = 0, t = 0; j < width; j += height, t += MR * NR) {
        height = GemmKernels.height(width - j);
        GemmTile.store(
            sums,
            t,
            Math.min(height, width - j),
            used,
            map.out,
            to + j * pixelStep,
            pixelStep,
            s * NR,
            map.epilogue);
      }
    }

    /** Sums of one row, tile after tile; a tap's weights are used for the whole row while near. */
    private void sum(int pixel, int width, int wp) {
      if (start.length == 0) {
        Arrays.fill(sums, 0f);
      }
      int b = wp;
      for (int k = 0; k < start.length; k++) {
        int height;
        for (int j = 0, t = 0; j < width; j += height, t += MR * NR) {
          height = GemmKernels.height(width - j);
          GemmKernels.multiply(
              height,
              inputs,
              (pixel + j) * PITCH + start[k],
              map.packed,
              b,
              depth[k],
              sums,
              t,
              k > 0);
        }
        b += depth[k] * NR;
      }
    }
  }
}
