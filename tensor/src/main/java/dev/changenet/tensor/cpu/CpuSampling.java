package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling;
import dev.changenet.tensor.reference.ReferenceSampling;
import java.util.Arrays;

/** Bilinear reads; float64 tensors go to the reference kernels. */
final class CpuSampling implements Sampling {
  /** Queries of one forward task. */
  private static final int QUERIES = 16;

  /** Tokens of one task of a table read, and channels of one task of its gradient. */
  private static final int TOKENS = 32;

  private static final int CHANNELS = 64;

  private final Sampling reference = new ReferenceSampling();

  @Override
  public void deformableAttention(
      Tensor value,
      Levels levels,
      Tensor refPoints,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor out) {
    if (out.dtype() == DType.FLOAT64) {
      reference.deformableAttention(value, levels, refPoints, offsets, weights, heads, points, out);
      return;
    }
    DeformableSampling sampling =
        new DeformableSampling(value, levels, refPoints, offsets, weights, heads, points);
    float[] result = out.floats();
    Parallel.forBlocks(
        out.dim(0) * out.dim(1), QUERIES, (from, to) -> sampling.forward(result, from, to));
  }

  @Override
  public void deformableAttentionBackward(
      Tensor gradOut,
      Tensor value,
      Levels levels,
      Tensor refPoints,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor gradValue,
      Tensor gradOffsets,
      Tensor gradWeights) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.deformableAttentionBackward(
          gradOut,
          value,
          levels,
          refPoints,
          offsets,
          weights,
          heads,
          points,
          gradValue,
          gradOffsets,
          gradWeights);
      return;
    }
    DeformableSampling sampling =
        new DeformableSampling(value, levels, refPoints, offsets, weights, heads, points);
    float[] g = gradOut.floats();
    float[] gv = gradValue == null ? null : gradValue.floats();
    float[] go = gradOffsets == null ? null : gradOffsets.floats();
    float[] gw = gradWeights == null ? null : gradWeights.floats();
    // A head's columns belong to one task, so its sums have one order.
    Parallel.forEach(
        gradOut.dim(0) * heads,
        task -> sampling.backward(g, task / heads, task % heads, gv, go, gw));
  }

  /** Weights and pixels of the four corners of a table position. */
  private static void tableCorners(
      float[] positions,
      int token,
      int height,
      int width,
      float keep,
      int[] pixel,
      float[] weight) {
    float x = positions[2 * token] * (width - 1);
    float y = positions[2 * token + 1] * (height - 1);
    int left = (int) Math.floor(x);
    int top = (int) Math.floor(y);
    float fx = x - left;
    float fy = y - top;
    for (int i = 0; i < 4; i++) {
      int column = left + (i & 1);
      int row = top + (i >> 1);
      boolean inside = column >= 0 && column < width && row >= 0 && row < height;
      pixel[i] = inside ? row * width + column : 0;
      float w = ((i & 1) == 0 ? 1 - fx : fx) * ((i >> 1) == 0 ? 1 - fy : fy);
      weight[i] = inside ? keep * w : 0;
    }
  }

  @Override
  public void sampleTable(Tensor table, Tensor positions, Tensor keep, Tensor out) {
    if (out.dtype() == DType.FLOAT64) {
      reference.sampleTable(table, positions, keep, out);
      return;
    }
    float[] t = table.floats();
    float[] at = positions.floats();
    float[] kept = keep.floats();
    float[] result = out.floats();
    int tokens = out.dim(1);
    int c = out.dim(2);
    Parallel.forBlocks(
        out.dim(0) * tokens,
        TOKENS,
        (from, to) -> {
          int[] pixel = new int[4];
          float[] weight = new float[4];
          for (int n = from; n < to; n++) {
            tableCorners(at, n, table.dim(0), table.dim(1), kept[n / tokens], pixel, weight);
            Arrays.fill(result, n * c, n * c + c, 0f);
            for (int i = 0; i < 4; i++) {
              if (weight[i] != 0) {
                DeformableSampling.addScaled(t, pixel[i] * c, weight[i], result, n * c, c);
              }
            }
          }
        });
  }

  @Override
  public void sampleTableBackward(Tensor gradOut, Tensor positions, Tensor keep, Tensor gradTable) {
    if (gradOut.dtype() == DType.FLOAT64) {
      reference.sampleTableBackward(gradOut, positions, keep, gradTable);
      return;
    }
    float[] g = gradOut.floats();
    float[] at = positions.floats();
    float[] kept = keep.floats();
    float[] gt = gradTable.floats();
    int tokens = gradOut.dim(1);
    int c = gradOut.dim(2);
    int cells = gradTable.dim(0) * gradTable.dim(1);
    Parallel.forBlocks(cells, 256, (from, to) -> Arrays.fill(gt, from * c, to * c, 0f));
    Parallel.forBlocks(
        c,
        CHANNELS,
        (from, to) -> {
          int[] pixel = new int[4];
          float[] weight = new float[4];
          for (int n = 0; n < gradOut.dim(0) * tokens; n++) {
            tableCorners(
                at, n, gradTable.dim(0), gradTable.dim(1), kept[n / tokens], pixel, weight);
            for (int i = 0; i < 4; i++) {
              if (weight[i] != 0) {
                DeformableSampling.addScaled(
                    g, n * c + from, weight[i], gt, pixel[i] * c + from, to - from);
              }
            }
          }
        });
  }
}
