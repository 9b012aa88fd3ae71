package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Normalization;
import dev.changenet.tensor.reference.ReferenceNormalization;
import java.util.Arrays;

/** Layer norm and batch norm; float64 tensors go to the reference kernels. */
final class CpuNormalization implements Normalization {
  /** Elements of one task that makes no column sums. */
  private static final int BLOCK = 1 << 14;

  private final Normalization reference = new ReferenceNormalization();

  @Override
  public void layerNorm(
      Tensor x,
      Tensor w,
      Tensor b,
      double eps,
      boolean unbiased,
      Tensor out,
      Tensor mean,
      Tensor rstd) {
    if (x.dtype() == DType.FLOAT64) {
      reference.layerNorm(x, w, b, eps, unbiased, out, mean, rstd);
      return;
    }
    float[] in = x.floats();
    float[] weight = w.floats();
    float[] bias = b.floats();
    float[] result = out.floats();
    float[] means = mean.floats();
    float[] rstds = rstd.floats();
    int c = x.dim(-1);
    double divisor = unbiased ? c - 1 : c;
    Parallel.forBlocks(
        x.rows(),
        Math.max(1, BLOCK / c),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            float m = RowKernels.sum(in, r * c, c) / c;
            double squares = RowKernels.squaredDeviations(in, r * c, c, m);
            float s = (float) (1 / Math.sqrt(squares / divisor + eps));
            means[r] = m;
            rstds[r] = s;
            NormalizationKernels.normalizeRow(in, r * c, c, m, s, weight, bias, result);
          }
        });
  }

  @Override
  public void layerNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w,
      Tensor mean,
      Tensor rstd,
      boolean unbiased,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    if (x.dtype() == DType.FLOAT64) {
      reference.layerNormBackward(gradOut, x, w, mean, rstd, unbiased, gradX, gradW, gradB);
      return;
    }
    float[] g = gradOut.floats();
    float[] in = x.floats();
    float[] weight = w.floats();
    float[] means = mean.floats();
    float[] rstds = rstd.floats();
    float[] gx = gradX == null ? null : gradX.floats();
    int c = x.dim(-1);
    int rows = x.rows();
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    boolean parameters = gradW != null || gradB != null;
    float[] partial = parameters ? Scratch.floats(Scratch.Slot.REDUCE, blocks * 2 * c) : null;
    float divisor = unbiased ? c - 1 : c;
    Parallel.forBlocks(
        rows,
        block,
        (from, to) -> {
          int sums = from / block * 2 * c;
          if (parameters) {
            Arrays.fill(partial, sums, sums + 2 * c, 0f);
          }
          for (int r = from; r < to; r++) {
            int at = r * c;
            if (parameters) {
              NormalizationKernels.addNormalizedProduct(
                  g, in, at, c, means[r], rstds[r], partial, sums);
            }
            if (gx != null) {
              NormalizationKernels.layerNormGradient(
                  g, in, at, c, means[r], rstds[r], weight, divisor, gx);
            }
          }
        });
    if (gradW != null) {
      RowBlocks.combine(partial, blocks, 2 * c, 0, c, gradW.floats());
    }
    if (gradB != null) {
      RowBlocks.combine(partial, blocks, 2 * c, c, c, gradB.floats());
    }
  }

  @Override
  public void batchStatistics(Tensor x, Tensor mean, Tensor var) {
    if (x.dtype() == DType.FLOAT64) {
      reference.batchStatistics(x, mean, var);
      return;
    }
    float[] in = x.floats();
    int c = x.dim(-1);
    int groups = groups(x, mean);
    int rows = x.rows() / groups;
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    float[] partial = Scratch.floats(Scratch.Slot.REDUCE, groups * blocks * 3 * c);
    Parallel.forEach(
        groups * blocks,
        task -> {
          int first = task / blocks * rows;
          int from = task % blocks * block;
          int to = Math.min(rows, from + block);
          NormalizationKernels.blockMoments(in, first + from, first + to, c, partial, task * 3 * c);
        });
    for (int group = 0; group < groups; group++) {
      combineMoments(
          rows, c, partial, group * blocks * 3 * c, mean.floats(), var.floats(), group * c);
    }
  }

  private static int groups(Tensor x, Tensor statistics) {
    return Math.toIntExact(statistics.elements()) / x.dim(-1);
  }

  /** Chan's parallel update of mean and squared deviations, block after block. */
  private static void combineMoments(
      int rows, int c, float[] partial, int first, float[] mean, float[] var, int to) {
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    for (int j = 0; j < c; j++) {
      double total = 0;
      double m = 0;
      double squares = 0;
      for (int b = 0; b < blocks; b++) {
        int at = first + b * 3 * c + j;
        double n = Math.min(rows, (b + 1) * block) - b * block;
        double shifted = partial[at] / n;
        double blockMean = partial[at + 2 * c] + shifted;
        double blockSquares = partial[at + c] - n * shifted * shifted;
        double delta = blockMean - m;
        squares += Math.max(0, blockSquares) + delta * delta * total * n / (total + n);
        m += delta * n / (total + n);
        total += n;
      }
      mean[to + j] = (float) m;
      var[to + j] = (float) (squares / total);
    }
  }

  @Override
  public void batchNorm(
      Tensor x, Tensor mean, Tensor var, Tensor w, Tensor b, double eps, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.batchNorm(x, mean, var, w, b, eps, out);
      return;
    }
    float[] in = x.floats();
    float[] means = mean.floats();
    float[] variances = var.floats();
    float[] weight = w.floats();
    float[] bias = b.floats();
    float[] result = out.floats();
    int c = x.dim(-1);
    int groups = groups(x, mean);
    int rows = x.rows() / groups;
    float[] scale = Scratch.floats(Scratch.Slot.ROWS, groups * c);
    for (int j = 0; j < groups * c; j++) {
      scale[j] = (float) (weight[j % c] / Math.sqrt(variances[j] + eps));
    }
    Parallel.forBlocks(
        x.rows(),
        Math.max(1, BLOCK / c),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            NormalizationKernels.scaleRow(in, r * c, c, means, scale, r / rows * c, bias, result);
          }
        });
  }

  @Override
  public void batchNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor mean,
      Tensor var,
      Tensor w,
      double eps,
      boolean batchStats,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB) {
    if (x.dtype() == DType.FLOAT64) {
      reference.batchNormBackward(gradOut, x, mean, var, w, eps, batchStats, gradX, gradW, gradB);
      return;
    }
    float[] g = gradOut.floats();
    float[] in = x.floats();
    float[] means = mean.floats();
    float[] variances = var.floats();
    float[] weight = w.floats();
    int c = x.dim(-1);
    int groups = groups(x, mean);
    int rows = x.rows() / groups;
    // For each group Σ g·(x − mean) and Σ g per channel, then three factors of the gradient by x.
    float[] sums = Scratch.floats(Scratch.Slot.ROWS, groups * 5 * c);
    if (gradW != null || gradB != null || batchStats) {
      channelSums(g, in, means, groups, rows, c, sums);
    }
    int factors = groups * 2 * c;
    for (int j = 0; j < c; j++) {
      double products = 0;
      double plain = 0;
      for (int group = 0; group < groups; group++) {
        int at = group * 2 * c + j;
        double s = 1 / Math.sqrt(variances[group * c + j] + eps);
        double product = sums[at] * s;
        double sum = sums[at + c];
        products += product;
        plain += sum;
        double scale = weight[j] * s;
        int f = factors + group * 3 * c + j;
        sums[f] = (float) scale;
        sums[f + c] = batchStats ? (float) (-scale * s * product / rows) : 0f;
        sums[f + 2 * c] = batchStats ? (float) (-scale * sum / rows) : 0f;
      }
      if (gradW != null) {
        gradW.floats()[j] = (float) products;
      }
      if (gradB != null) {
        gradB.floats()[j] = (float) plain;
      }
    }
    if (gradX == null) {
      return;
    }
    float[] gx = gradX.floats();
    Parallel.forBlocks(
        x.rows(),
        Math.max(1, BLOCK / c),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            int group = r / rows;
            NormalizationKernels.batchNormGradient(
                g, in, r * c, c, means, group * c, sums, factors + group * 3 * c, gx);
          }
        });
  }

  /** For each group sums[0 … c) = Σ g·(x − mean) and sums[c … 2c) = Σ g over its rows. */
  private static void channelSums(
      float[] g, float[] x, float[] mean, int groups, int rows, int c, float[] sums) {
    int block = RowBlocks.blockRows(rows);
    int blocks = RowBlocks.blocks(rows);
    float[] partial = Scratch.floats(Scratch.Slot.REDUCE, groups * blocks * 2 * c);
    Parallel.forEach(
        groups * blocks,
        task -> {
          int group = task / blocks;
          int from = task % blocks * block;
          int to = Math.min(rows, from + block);
          int at = task * 2 * c;
          Arrays.fill(partial, at, at + 2 * c, 0f);
          for (int r = group * rows + from; r < group * rows + to; r++) {
            NormalizationKernels.addCentredProduct(g, x, r * c, c, mean, group * c, partial, at);
          }
        });
    for (int group = 0; group < groups; group++) {
      int at = group * 2 * c;
      RowBlocks.combine(partial, blocks, 2 * c, group * blocks * 2 * c, 2 * c, sums, at);
    }
  }

  @Override
  public void updateRunning(
      Tensor mean, Tensor var, long n, double momentum, Tensor runningMean, Tensor runningVar) {
    if (mean.dtype() == DType.FLOAT64) {
      reference.updateRunning(mean, var, n, momentum, runningMean, runningVar);
      return;
    }
    float[] m = mean.floats();
    float[] v = var.floats();
    float[] rm = runningMean.floats();
    float[] rv = runningVar.floats();
    double unbias = n / (n - 1.0);
    int c = Math.toIntExact(runningMean.elements());
    for (int j = 0; j < mean.elements(); j++) {
      int channel = j % c;
      rm[channel] = (float) ((1 - momentum) * rm[channel] + momentum * m[j]);
      rv[channel] = (float) ((1 - momentum) * rv[channel] + momentum * unbias * v[j]);
    }
    runningMean.storage().changed();
    runningVar.storage().changed();
  }
}
