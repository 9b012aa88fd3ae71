package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;

/** Batch norm per channel of a map [B, H, W, C]; eps 1e-5, momentum 0.1 as PyTorch's default. */
public final class BatchNorm2d extends Layer {
  private static final double EPS = 1e-5;
  private static final double MOMENTUM = 0.1;

  private final Parameter weight;
  private final Parameter bias;
  private final Tensor runningMean;
  private final Tensor runningVar;
  private final Tensor batches;

  public BatchNorm2d(Device device, int channels) {
    super(device);
    weight = parameter("weight", Initializer.constant(1), channels);
    bias = parameter("bias", Initializer.constant(0), channels);
    runningMean = buffer("running_mean", device.floating(), 0, channels);
    runningVar = buffer("running_var", device.floating(), 1, channels);
    batches = buffer("num_batches_tracked", DType.INT64, 0);
  }

  @Override
  protected Variable forward(Variable x) {
    int joined = isTraining() ? JoinedBatches.count() : 1;
    // A pass that is run again has been counted.
    boolean counts = !Functional.isRunningAgain();
    if (isTraining() && counts) {
      batches.set(0, batches.at(0) + joined);
    }
    double momentum = counts ? MOMENTUM : 0;
    return Functional.batchNorm(
        x, weight, bias, runningMean, runningVar, EPS, momentum, isTraining(), joined);
  }
}
