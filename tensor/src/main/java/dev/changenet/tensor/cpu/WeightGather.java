package dev.changenet.tensor.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies the weights of a strip of columns out of a tensor [o, c, kh, kw], so that those which meet
 * the same input value lie side by side: tap t from channel c to column n is w[from + c·channelStep
 * + n·columnStep + taps[t]] and goes to dst[dp + c·channelDistance + t·tapDistance + n].
 *
 * <p>Where a column's values lie together, blocks are transposed in the first-level cache and then
 * copied in whole rows of a strip.
 *
 * @param columnStep distance of the columns in w
 * @param channelStep distance of the channels in w; it or columnStep is kh·kw
 * @param plane kh·kw
 */
record WeightGather(
    int columnStep, int channelStep, int plane, int[] taps, int channelDistance, int tapDistance) {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = GemmKernels.LANES;
  private static final int NR = GemmKernels.NR;

  /** Channels transposed together. */
  private static final int CHANNELS = 16;

  /** Copies a strip, whose columns from {@code columns} on become 0. */
  void run(float[] w, int from, int channels, int columns, float[] dst, int dp) {
    if (channelStep == plane) {
      transpose(w, from, channels, columns, dst, dp);
    } else {
      pick(w, from, channels, columns, dst, dp);
    }
  }

  /** Where a column's channels and taps lie side by side. */
  private void transpose(float[] w, int from, int channels, int columns, float[] dst, int dp) {
    float[] block = Scratch.floats(Scratch.Slot.PACK, CHANNELS * plane * NR);
    if (columns < NR) {
      Arrays.fill(block, 0, CHANNELS * plane * NR, 0f);
    }
    for (int c0 = 0; c0 < channels; c0 += CHANNELS) {
      int count = Math.min(CHANNELS, channels - c0);
      int at = from + c0 * channelStep;
      Transposition.run(w, at, columnStep, columns, count * plane, block, 0, NR);
      for (int c = 0; c < count; c++) {
        for (int t = 0; t < taps.length; t++) {
          int row = (c * plane + taps[t]) * NR;
          int to = dp + (c0 + c) * channelDistance + t * tapDistance;
          for (int n = 0; n < NR; n += LANES) {
            FloatVector.fromArray(S, block, row + n).intoArray(dst, to + n);
          }
        }
      }
    }
  }

  /** Where a channel's columns and taps lie side by side. */
  private void pick(float[] w, int from, int channels, int columns, float[] dst, int dp) {
    for (int c = 0; c < channels; c++) {
      for (int t = 0; t < taps.length; t++) {
        int at = from + c * channelStep + taps[t];
        int to = dp + c * channelDistance + t * tapDistance;
        pickRow(w, at, columnStep, columns, dst, to);
        if (columns < NR) {
          Arrays.fill(dst, to + columns, to + NR, 0f);
        }
      }
    }
  }

  private static void pickRow(float[] w, int at, int step, int columns, float[] dst, int to) {
    for (int n = 0; n < columns; n++) {
      dst[to + n] = w[at + n * step];
    }
  }
}
