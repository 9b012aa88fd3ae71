package dev.changenet.tensor.cpu;

/**
 * Gradient of a convolution by its weight, by the transposed Winograd algorithm: per point the
 * product of transformed output gradients and transformed inputs, summed over tiles and transformed
 * to taps at the end. The small map takes the place of the input where it is one, for the
 * transposed convolution, and that of the gradient otherwise.
 */
final class WinogradWeightGradient {
  private static final int NR = GemmKernels.NR;
  private static final int MR = GemmKernels.MR;
  private static final int STEP = GemmColumnKernels.STEP;
  private static final int ALIGN = Scratch.ALIGN;
  private static final int IN = WinogradTiles.IN;
  private static final int POINTS = WinogradTiles.POINTS;
  private static final int TILE = MR * NR;

  /** Floats of transformed inputs held at a time: enough to pay for going through all sums. */
  private static final int BLOCK_FLOATS = 36 * 256 * 256;

  /** Terms of one kernel call; what it reads then stays in the first-level cache. */
  private static final int TERMS = 128;

  /** Tiles that are transformed together. */
  private static final int CHUNK = 14;

  /**
   * Outputs whose sums are transformed together: long runs of the sums, while the intermediate
   * values stay in the first-level cache.
   */
  private static final int OUTPUT_CHUNK = 7;

  /** Keeps the points of one tile out of each other's cache sets. */
  private static final int SKEW = 48;

  private final WinogradShape shape;
  private final WinogradTiles tiles;
  private final WinogradSide input;
  private final WinogradSide gradient;
  private final int inputWeightStep;
  private final int gradientWeightStep;
  private final int strips;

  /** Where in a kernel's plane the taps of each phase of the gradient lie. */
  private final int[][] phaseTaps;

  WinogradWeightGradient(WinogradShape shape, ConvSizes s) {
    this.shape = shape;
    int plane = s.kh() * s.kw();
    boolean smallIsInput = shape == WinogradShape.TRANSPOSED;
    this.tiles = smallIsInput ? shape.toLarge(s) : shape.toSmall(s);
    this.input = smallIsInput ? shape.small(s, true) : shape.large(s, true);
    this.gradient = smallIsInput ? shape.large(s, false) : shape.small(s, false);
    this.inputWeightStep = smallIsInput ? s.c() * plane : plane;
    this.gradientWeightStep = smallIsInput ? plane : s.c() * plane;
    this.strips = input.width() / NR;
    this.phaseTaps = shape.tapsOfPhases(smallIsInput);
  }

  /**
   * Computes the gradient.
   *
   * @param small the small map, [batch, oh, ow, o]
   * @param large the large map, [batch, h, w, c]
   * @param gradW [o, c, kh, kw], overwritten
   */
  void run(float[] small, float[] large, float[] gradW) {
    boolean smallIsInput = shape == WinogradShape.TRANSPOSED;
    float[] x = smallIsInput ? small : large;
    float[] g = smallIsInput ? large : small;
    int widest = Math.max(input.width(), gradient.width());
    int most = Math.max(2 * TERMS, BLOCK_FLOATS / POINTS / widest);
    int block = Math.min(most / TERMS * TERMS, tiles.count());
    // One phase after the other needs less memory; but inputs are to be transformed once.
    int parts = block == tiles.count() ? gradient.phases() : 1;
    for (int p = 0; p < parts; p++) {
      new Part(parts == 1 ? gradient : gradient.phase(p), block).run(x, g, p == 0, gradW);
    }
  }

  /** Products of all inputs with some of the gradient's phases. */
  private final class Part {
    private final WinogradSide gradient;
    private final int block;
    private final int outputs;
    private final int outputTiles;

    /** Distance of the points in the transformed inputs. */
    private final int inputStep;

    /** Distance of the points in the transformed gradients. */
    private final int gradientStep;

    /** Distance of the tiles' transformed gradients; not a power of two, which caches dislike. */
    private final int pitch;

    /** Distance of the points in the sums. */
    private final int sumStep;

    private final float[] inputs;
    private final float[] gradients;
    private final float[] sums;

    /**
     * @param block tiles worked on at a time
     */
    Part(WinogradSide gradient, int block) {
      this.gradient = gradient;
      this.block = block;
      this.outputs = gradient.width();
      this.outputTiles = Math.ceilDiv(outputs, MR);
      this.inputStep = block * input.width() + SKEW;
      this.pitch = outputs + STEP;
      this.gradientStep = block * pitch + SKEW;
      this.sumStep = strips * outputTiles * TILE + SKEW;
      this.inputs = Scratch.floats(Scratch.Slot.CONV_TILE, ALIGN + POINTS * inputStep);
      this.gradients = Scratch.floats(Scratch.Slot.CONV_OUT, ALIGN + POINTS * gradientStep + STEP);
      this.sums = Scratch.floats(Scratch.Slot.CONV_SUMS, ALIGN + POINTS * sumStep);
    }

    /**
     * @param newInputs false when the part before has left its inputs, transformed
     */
    void run(float[] x, float[] g, boolean newInputs, float[] gradW) {
      for (int first = 0; first < tiles.count(); first += block) {
        int start = first;
        int count = Math.min(block, tiles.count() - first);
        Parallel.forBlocks(
            count,
            CHUNK,
            (from, to) -> {
              if (newInputs) {
                transformInputs(x, start, from, to);
              }
              transformGradients(g, start, from, to);
            });
        Parallel.forEach(POINTS, point -> products(point, count, start > 0));
      }
      Parallel.forEach(outputTiles * strips, i -> finish(i / strips, i % strips, gradW));
    }

    private void transformInputs(float[] x, int start, int from, int to) {
      tiles.transformInputs(
          input,
          start + from,
          to - from,
          x,
          work(input),
          inputs,
          ALIGN + from * NR,
          NR,
          inputStep,
          NR,
          block * NR);
    }

    private void transformGradients(float[] g, int start, int from, int to) {
      tiles.transformGradients(
          gradient,
          start + from,
          to - from,
          g,
          work(gradient),
          gradients,
          ALIGN + from * pitch,
          pitch,
          gradientStep,
          outputs,
          0);
    }

    private static float[] work(WinogradSide side) {
      int length = ALIGN + WinogradTiles.workLength(side.channels());
      return Scratch.floats(Scratch.Slot.GEMM_A, length);
    }

    /** Products of one point. */
    private void products(int point, int count, boolean add) {
      float[] panels = Scratch.floats(Scratch.Slot.GEMM_A, ALIGN + outputTiles * count * STEP);
      int from = ALIGN + point * gradientStep;
      for (int o = 0; o < outputTiles; o++) {
        int to = ALIGN + o * count * STEP;
        GemmPack.panelRows(gradients, from + o * MR, pitch, count, panels, to);
      }
      for (int s = 0; s < strips; s++) {
        int strip = ALIGN + point * inputStep + s * block * NR;
        int sum = ALIGN + point * sumStep + s * outputTiles * TILE;
        multiply(count, strip, panels, sum, add);
      }
    }

    /** Products of one point and strip. */
    private void multiply(int count, int ip, float[] panels, int sp, boolean add) {
      for (int k = 0; k < count; k += TERMS) {
        int terms = Math.min(TERMS, count - k);
        for (int o = 0; o < outputTiles; o++) {
          int height = GemmKernels.height(Math.min(MR, outputs - o * MR));
          int from = ALIGN + (o * count + k) * STEP;
          int to = sp + o * TILE;
          GemmColumnKernels.multiply(
              height, panels, from, inputs, ip + k * NR, terms, sums, to, add || k > 0);
        }
      }
    }

    private void finish(int outputTile, int strip, float[] gradW) {
      int left = Math.min(MR, outputs - outputTile * MR);
      for (int o = 0; o < left; o += OUTPUT_CHUNK) {
        int at = ALIGN + (strip * outputTiles + outputTile) * TILE + o * NR;
        finish(at, outputTile * MR + o, Math.min(OUTPUT_CHUNK, left - o), strip, gradW);
      }
    }

    /** Some outputs, whose sums lie side by side at {@code from}. */
    private void finish(int from, int first, int count, int strip, float[] gradW) {
      int r = shape.kernel;
      int taps = shape.taps();
      int plane = OUTPUT_CHUNK * NR;
      int used = count * NR;
      float[] work = Scratch.floats(Scratch.Slot.GEMM_TILE, (r * IN + taps) * plane);
      int result = r * IN * plane;
      for (int c = 0; c < IN; c++) {
        WinogradTransforms.weightGradient(
            r, sums, from + c * sumStep, IN * sumStep, work, c * plane, IN * plane, used);
      }
      for (int y = 0; y < r; y++) {
        WinogradTransforms.weightGradient(
            r, work, y * IN * plane, plane, work, result + y * r * plane, plane, used);
      }
      for (int o = 0; o < count; o++) {
        int v = first + o;
        int[] tap = phaseTaps[gradient.firstPhase() + v / gradient.channels()];
        int to = v % gradient.channels() * gradientWeightStep + strip * NR * inputWeightStep;
        if (taps == 9) {
          nineTaps(work, result + o * NR, plane, gradW, to, inputWeightStep);
        } else {
          fourTaps(work, result + o * NR, plane, gradW, to, inputWeightStep, tap);
        }
      }
    }
  }

  /** dst[dp + c·step + t] = src[sp + t·plane + c] for a strip, line by line of dst. */
  private static void nineTaps(float[] src, int sp, int plane, float[] dst, int dp, int step) {
    for (int c = 0; c < NR; c++) {
      int at = dp + c * step;
      dst[at] = src[sp + c];
      dst[at + 1] = src[sp + plane + c];
      dst[at + 2] = src[sp + 2 * plane + c];
      dst[at + 3] = src[sp + 3 * plane + c];
      dst[at + 4] = src[sp + 4 * plane + c];
      dst[at + 5] = src[sp + 5 * plane + c];
      dst[at + 6] = src[sp + 6 * plane + c];
      dst[at + 7] = src[sp + 7 * plane + c];
      dst[at + 8] = src[sp + 8 * plane + c];
    }
  }

  /** The same for four taps of a larger kernel. */
  private static void fourTaps(
      float[] src, int sp, int plane, float[] dst, int dp, int step, int[] tap) {
    int t0 = tap[0];
    int t1 = tap[1];
    int t2 = tap[2];
    int t3 = tap[3];
    for (int c = 0; c < NR; c++) {
      int at = dp + c * step;
      dst[at + t0] = src[sp + c];
      dst[at + t1] = src[sp + plane + c];
      dst[at + t2] = src[sp + 2 * plane + c];
      dst[at + t3] = src[sp + 3 * plane + c];
    }
  }
}
