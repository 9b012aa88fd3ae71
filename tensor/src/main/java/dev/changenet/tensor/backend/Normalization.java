package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/**
 * Layer norm (per row) and batch norm (per channel = last dimension).
 *
 * <p>Batch norm knows groups, batches that lie one after the other and are normalised apart: mean
 * and variance [G·C] make the rows of x G equal groups, in order, with statistics of their own.
 */
public interface Normalization {
  /**
   * out = (x − mean)·rstd·w + b with the row's mean and rstd = 1/√(var + eps).
   *
   * @param x [M…, C]
   * @param unbiased divide the variance by C − 1 instead of C
   * @param mean [rows], written
   * @param rstd [rows], written
   */
  void layerNorm(
      Tensor x,
      Tensor w,
      Tensor b,
      double eps,
      boolean unbiased,
      Tensor out,
      Tensor mean,
      Tensor rstd);

  /** Gradients of {@link #layerNorm}; any of the three results may be null. */
  void layerNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w,
      Tensor mean,
      Tensor rstd,
      boolean unbiased,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB);

  /**
   * Batch statistics per channel over all rows of a group: mean [G·C] and biased variance var
   * [G·C].
   *
   * @param x [M…, C]
   */
  void batchStatistics(Tensor x, Tensor mean, Tensor var);

  /** out = (x − mean)/√(var + eps)·w + b per group and channel. */
  void batchNorm(Tensor x, Tensor mean, Tensor var, Tensor w, Tensor b, double eps, Tensor out);

  /**
   * Gradients of {@link #batchNorm}; any result may be null. gradW and gradB are sums over all
   * groups.
   *
   * @param batchStats true when mean and var were computed from x itself (training mode), so that
   *     the gradient flows through them
   */
  void batchNormBackward(
      Tensor gradOut,
      Tensor x,
      Tensor mean,
      Tensor var,
      Tensor w,
      double eps,
      boolean batchStats,
      Tensor gradX,
      Tensor gradW,
      Tensor gradB);

  /**
   * running = (1 − momentum)·running + momentum·batch, in place; the variance is made unbiased with
   * n/(n − 1) first. Groups follow one another as batches do.
   *
   * @param n rows of a group
   */
  void updateRunning(
      Tensor mean, Tensor var, long n, double momentum, Tensor runningMean, Tensor runningVar);
}
