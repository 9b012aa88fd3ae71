package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Normalization;

/**
 * Batch norm per channel (last dimension). Inputs: x [M…, C], w [C], b [C]. In training mode it
 * uses batch statistics and updates the running ones; x may then be several batches, one after the
 * other, with statistics of their own.
 */
public final class BatchNormFunction extends Function {
  private final Tensor runningMean;
  private final Tensor runningVar;
  private final double eps;
  private final double momentum;
  private final boolean training;
  private final int batches;

  public BatchNormFunction(
      Tensor runningMean,
      Tensor runningVar,
      double eps,
      double momentum,
      boolean training,
      int batches) {
    this.runningMean = runningMean;
    this.runningVar = runningVar;
    this.eps = eps;
    this.momentum = momentum;
    this.training = training;
    this.batches = batches;
  }

  @Override
  public Op op() {
    return Op.BATCH_NORM;
  }

  public double eps() {
    return eps;
  }

  /** Running mean [C], used when not training. */
  public Tensor runningMean() {
    return runningMean;
  }

  /** Running variance [C], used when not training. */
  public Tensor runningVar() {
    return runningVar;
  }

  public boolean training() {
    return training;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Normalization kernels = backend(x).normalization();
    Tensor mean = runningMean;
    Tensor var = runningVar;
    if (training) {
      mean = x.emptyStatistics(batches * x.dim(-1));
      var = x.emptyStatistics(batches * x.dim(-1));
      kernels.batchStatistics(x, mean, var);
      kernels.updateRunning(mean, var, x.rows() / batches, momentum, runningMean, runningVar);
    }
    Tensor out = x.emptyLike();
    kernels.batchNorm(x, mean, var, in[1], in[2], eps, out);
    save(x, in[1], mean, var);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w = saved(1);
    Tensor gradX = g.allocate(0, x);
    Tensor gradW = g.allocate(1, w);
    Tensor gradB = g.allocate(2, w);
    backend(x)
        .normalization()
        .batchNormBackward(gradOut, x, saved(2), saved(3), w, eps, training, gradX, gradW, gradB);
  }
}
