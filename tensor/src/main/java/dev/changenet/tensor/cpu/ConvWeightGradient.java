package dev.changenet.tensor.cpu;

import java.util.Arrays;

/**
 * Gradient of a convolution by its weight: for each tap the product of the transposed output
 * gradient with the input map shifted by the tap, summed over pixels.
 *
 * <p>Pixels are taken in blocks of rows. Of a block the gradient is packed as rows (one per output
 * channel, pixels contiguous) and the padded input as strips of channels, by all threads; then
 * strips and groups of output channels are the parallel tasks. Sums of all blocks are collected in
 * tiles of {@link GemmKernels}' form, which are brought to the weight's layout at the end.
 */
final class ConvWeightGradient {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int DEPTH = GemmKernels.DEPTH;
  private static final int PITCH = GemmKernels.PITCH;
  private static final int TILE = MR * NR;

  /** Output pixels per block. */
  private static final int BLOCK_PIXELS = 1024;

  /** With fewer channels all taps together form the columns of one product. */
  private static final int FEW_CHANNELS = 16;

  private static final int ENOUGH_TASKS = 16;

  private final ConvSizes sizes;
  private final ConvPhase phase;
  private final boolean gather;

  /** Columns of the product: channels, or taps × channels where taps are gathered. */
  private final int columns;

  private final int taps;
  private final int strips;
  private final int[] tileStart;
  private final int tiles;
  private final int blockRows;
  private final ConvTile tile;

  /** Pixels of one input row of a packed strip. */
  private final int stripRowPixels;

  private final int stripRows;

  ConvWeightGradient(ConvSizes sizes) {
    this.sizes = sizes;
    this.phase = ConvPhase.forward(sizes)[0];
    this.gather = sizes.c() < FEW_CHANNELS;
    this.columns = gather ? sizes.c() * sizes.taps() : sizes.c();
    this.taps = gather ? 1 : sizes.taps();
    this.strips = GemmPack.strips(columns);
    int[] start = new int[sizes.o() + 1];
    int count = 0;
    for (int o = 0; o < sizes.o(); o += GemmKernels.height(sizes.o() - o)) {
      start[count++] = o;
    }
    start[count] = sizes.o();
    this.tileStart = start;
    this.tiles = count;
    this.blockRows = Math.clamp(BLOCK_PIXELS / Math.max(1, sizes.ow()), 1, Math.max(1, sizes.oh()));
    this.tile = ConvTile.of(new ConvPhase[] {phase}, blockRows, sizes.ow());
    this.stripRowPixels = gather ? sizes.ow() : tile.rowPixels();
    this.stripRows = gather ? blockRows : tile.rows();
  }

  /** A stretch of one row of output pixels, short enough for one kernel call. */
  private record Run(int row, int column, int length, int rowsOfA) {}

  /**
   * Computes the gradient.
   *
   * @param g gradient of the small map, [batch, oh, ow, o]
   * @param x the large map, [batch, h, w, c]
   * @param gradW [o, c, kh, kw], overwritten
   */
  void run(float[] g, float[] x, float[] gradW) {
    Run[] runs = cutRows();
    int pieces = runs.length == 0 ? 0 : runs[runs.length - 1].rowsOfA / PITCH + 1;
    int pieceStep = (sizes.o() + MR) * PITCH;
    float[] a = Scratch.floats(Scratch.Slot.CONV_OUT, pieces * pieceStep);
    int stripLength = stripRows * stripRowPixels * NR;
    float[] b = Scratch.floats(Scratch.Slot.CONV_TILE, strips * stripLength);
    float[] sums = Scratch.floats(Scratch.Slot.CONV_SUMS, strips * tiles * taps * TILE);
    Arrays.fill(sums, 0, strips * tiles * taps * TILE, 0f);
    int groups = Math.min(tiles, (ENOUGH_TASKS + strips - 1) / strips);
    for (int image = 0; image < sizes.batch(); image++) {
      for (int i0 = 0; i0 < sizes.oh(); i0 += blockRows) {
        int rows = Math.min(blockRows, sizes.oh() - i0);
        packGradient(g, image, i0, rows, runs, a, pieceStep);
        packInput(x, image, i0, rows, b, stripLength);
        Parallel.forEach(
            strips * groups,
            task -> {
              int s = task / groups;
              int from = task % groups * tiles / groups;
              int to = (task % groups + 1) * tiles / groups;
              for (int t = from; t < to; t++) {
                multiply(t, s, rows, runs, a, pieceStep, b, s * stripLength, sums);
              }
            });
      }
    }
    Parallel.forEach(tiles, t -> unpack(t, sums, gradW));
  }

  /** Cuts the rows of a full block into runs; a run's terms lie side by side in a piece of A. */
  private Run[] cutRows() {
    int width = sizes.ow();
    int perRow = (width + DEPTH - 1) / DEPTH;
    int rowsPerPiece = Math.max(1, DEPTH / Math.max(1, width));
    Run[] runs = new Run[blockRows * perRow];
    for (int r = 0; r < blockRows; r++) {
      for (int k = 0; k < perRow; k++) {
        int column = k * DEPTH;
        int piece = perRow > 1 ? r * perRow + k : r / rowsPerPiece;
        int within = perRow > 1 ? 0 : r % rowsPerPiece * width;
        runs[r * perRow + k] =
            new Run(r, column, Math.min(DEPTH, width - column), piece * PITCH + within);
      }
    }
    return runs;
  }

  private static int start(Run run, int pieceStep) {
    return run.rowsOfA / PITCH * pieceStep + run.rowsOfA % PITCH;
  }

  private void packGradient(
      float[] g, int image, int i0, int rows, Run[] runs, float[] a, int pieceStep) {
    int o = sizes.o();
    Parallel.forEach(
        runs.length * rows / blockRows,
        i -> {
          Run run = runs[i];
          int from = ((image * sizes.oh() + i0 + run.row) * sizes.ow() + run.column) * o;
          Transposition.run(g, from, o, run.length, o, a, start(run, pieceStep), PITCH);
        });
  }

  private void packInput(float[] x, int image, int i0, int rows, float[] b, int stripLength) {
    int used = gather ? rows : (rows - 1) * sizes.stride() + sizes.kh();
    int from = image * sizes.h() * sizes.w() * sizes.c();
    Parallel.forEach(
        used,
        r -> {
          int to = r * stripRowPixels * NR;
          if (gather) {
            Im2col.run(
                phase,
                x,
                from,
                sizes.h(),
                sizes.w(),
                sizes.c(),
                i0 + r,
                0,
                sizes.ow(),
                strips * NR,
                b,
                to,
                NR,
                NR,
                stripLength);
          } else {
            packRow(x, from, i0 * sizes.stride() + tile.minDy() + r, b, to, stripLength);
          }
        });
  }

  private void packRow(float[] x, int image, int y, float[] b, int to, int stripLength) {
    int c = sizes.c();
    boolean rowInside = y >= 0 && y < sizes.h();
    for (int k = 0; k < stripRowPixels; k++) {
      int column = tile.minDx() + k;
      boolean inside = rowInside && column >= 0 && column < sizes.w();
      int from = image + (y * sizes.w() + column) * c;
      int at = to + tile.column(k) * NR;
      for (int s = 0; s < strips; s++, at += stripLength) {
        int used = inside ? Math.min(NR, c - s * NR) : 0;
        if (used > 0) {
          System.arraycopy(x, from + s * NR, b, at, used);
        }
        if (used < NR) {
          Arrays.fill(b, at + used, at + NR, 0f);
        }
      }
    }
  }

  /** Adds a block's products for output channels of tile t and columns of strip s. */
  private void multiply(
      int t,
      int s,
      int rows,
      Run[] runs,
      float[] a,
      int pieceStep,
      float[] b,
      int bp,
      float[] sums) {
    int height = GemmKernels.height(sizes.o() - tileStart[t]);
    int used = runs.length / blockRows * rows;
    for (int tap = 0; tap < taps; tap++) {
      int shift = gather ? 0 : tile.pixel(phase.dy()[tap], phase.dx()[tap]);
      int to = ((s * tiles + t) * taps + tap) * TILE;
      for (int i = 0; i < used; i++) {
        Run run = runs[i];
        int rowStep = gather ? stripRowPixels : tile.planes() * stripRowPixels;
        int pixel = run.row * rowStep + run.column + shift;
        GemmKernels.multiply(
            height,
            a,
            start(run, pieceStep) + tileStart[t] * PITCH,
            b,
            bp + pixel * NR,
            run.length,
            sums,
            to,
            true);
      }
    }
  }

  /** Copies the sums of tile t to their places in the weight's layout. */
  private void unpack(int t, float[] sums, float[] gradW) {
    int rowLength = sizes.c() * sizes.taps();
    for (int o = tileStart[t]; o < tileStart[t + 1]; o++) {
      for (int n = 0; n < columns; n++) {
        int from = (n / NR * tiles + t) * taps * TILE + (o - tileStart[t]) * NR + n % NR;
        if (gather) {
          gradW[o * rowLength + n % sizes.c() * sizes.taps() + n / sizes.c()] = sums[from];
        } else {
          int to = o * rowLength + n * taps;
          for (int tap = 0; tap < taps; tap++) {
            gradW[to + tap] = sums[from + tap * TILE];
          }
        }
      }
    }
  }
}
