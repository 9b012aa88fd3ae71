package dev.changenet.tensor.cpu;

/**
 * Gradient of a 3×3 convolution with stride 1 by its weight, by the transposed Winograd algorithm
 * F(4×4, 3×3): per point the product of transformed output gradients and transformed inputs, summed
 * over tiles and transformed to 3×3 at the end.
 */
final class WinogradWeightGradient {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int IN = WinogradTiles.IN;
  private static final int POINTS = WinogradTiles.POINTS;
  private static final int TILE = MR * NR;
  private static final int TAPS = 9;

  /** Tiles whose transforms are held at a time. */
  private static final int BLOCK_TILES = 128;

  private final WinogradTiles tiles;
  private final int channels;
  private final int outputs;
  private final int strips;
  private final int outputTiles;

  /**
   * Distance of a tile's transformed gradients: not a power of two, and room for a whole kernel.
   */
  private final int gradientStep;

  WinogradWeightGradient(ConvSizes s) {
    this.tiles = new WinogradTiles(s.batch(), s.h(), s.w(), s.oh(), s.ow(), s.padding());
    this.channels = s.c();
    this.outputs = s.o();
    this.strips = channels / NR;
    this.gradientStep = outputs + 16;
    int count = 0;
    for (int o = 0; o < outputs; o += GemmKernels.height(outputs - o)) {
      count++;
    }
    this.outputTiles = count;
  }

  /**
   * Computes the gradient.
   *
   * @param g gradient of the output, [batch, oh, ow, o]
   * @param x input, [batch, h, w, c]
   * @param gradW [o, c, 3, 3], overwritten
   */
  void run(float[] g, float[] x, float[] gradW) {
    int block = Math.min(BLOCK_TILES, tiles.count());
    float[] inputs = Scratch.floats(Scratch.Slot.GEMM_B, POINTS * block * channels);
    float[] gradients = Scratch.floats(Scratch.Slot.GEMM_C, POINTS * block * gradientStep);
    float[] sums = Scratch.floats(Scratch.Slot.CONV_SUMS, POINTS * strips * outputTiles * TILE);
    for (int first = 0; first < tiles.count(); first += BLOCK_TILES) {
      int start = first;
      int count = Math.min(BLOCK_TILES, tiles.count() - first);
      Parallel.forBlocks(
          count,
          WinogradTiles.GROUP,
          (from, to) -> {
            float[] work =
                Scratch.floats(
                    Scratch.Slot.GEMM_A, WinogradTiles.workLength(Math.max(channels, outputs)));
            tiles.transformInputs(
                start + from,
                to - from,
                x,
                channels,
                work,
                inputs,
                from * NR,
                NR,
                block * channels,
                NR,
                block * NR);
            tiles.transformGradients(
                start + from,
                to - from,
                g,
                outputs,
                work,
                gradients,
                from * gradientStep,
                gradientStep,
                block * gradientStep);
          });
      Parallel.forEach(
          POINTS * strips, i -> multiply(i, block, count, inputs, gradients, sums, start > 0));
    }
    Parallel.forEach(outputTiles * strips, i -> finish(i / strips, i % strips, sums, gradW));
  }

  /** Products of one point and strip, point·strips + strip. */
  private void multiply(
      int i, int block, int count, float[] inputs, float[] gradients, float[] sums, boolean add) {
    int from = i / strips * block * gradientStep;
    int height;
    for (int o = 0, t = i * outputTiles * TILE; o < outputs; o += height, t += TILE) {
      height = GemmKernels.height(outputs - o);
      GemmColumnKernels.multiply(
          height,
          gradients,
          from + o,
          gradientStep,
          inputs,
          i * block * NR,
          NR,
          count,
          sums,
          t,
          add);
    }
  }

  private void finish(int outputTile, int strip, float[] sums, float[] gradW) {
    int first = 0;
    for (int t = 0; t < outputTile; t++) {
      first += GemmKernels.height(outputs - first);
    }
    int rows = Math.min(GemmKernels.height(outputs - first), outputs - first);
    int pointStep = strips * outputTiles * TILE;
    float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, (3 * IN + TAPS) * NR);
    int taps = 3 * IN * NR;
    for (int o = 0; o < rows; o++) {
      int from = (strip * outputTiles + outputTile) * TILE + o * NR;
      for (int c = 0; c < IN; c++) {
        WinogradTransforms.weightGradient(
            sums, from + c * pointStep, IN * pointStep, work, c * NR, IN * NR, NR);
      }
      for (int r = 0; r < 3; r++) {
        WinogradTransforms.weightGradient(work, r * IN * NR, NR, work, taps + r * 3 * NR, NR, NR);
      }
      int to = ((first + o) * channels + strip * NR) * TAPS;
      for (int c = 0; c < NR; c++) {
        for (int t = 0; t < TAPS; t++) {
          gradW[to + c * TAPS + t] = work[taps + t * NR + c];
        }
      }
    }
  }
}
