package dev.changenet.train;

import dev.changenet.autograd.Variable;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.function.Supplier;

/**
 * The memory that the tensors of a training will take, found by training steps in a {@link DryRun}.
 *
 * @param weights bytes of parameters and buffers
 * @param kept bytes of optimizer state and packed weights, which stay between steps
 * @param passing bytes of activations and gradients when they are most
 */
record MemoryPlan(long weights, long kept, long passing) {
  /** Bytes of all tensors at the worst moment. */
  long peak() {
    return weights + kept + passing;
  }

  /**
   * Plans the training of {@code spec} with batches of {@code batch} pairs.
   *
   * @param build makes the network, as frozen as it will be
   */
  static MemoryPlan of(
      ExperimentSpec spec, int batch, SegmentationLoss loss, Supplier<ChangeNet> build) {
    int size = spec.segmentData().imgSize();
    try (DryRun dry = DryRun.open();
        ChangeNet net = build.get();
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim())) {
      long weights = dry.liveBytes();
      net.train(true);
      // Optimizer state and packed weights are complete after the first step.
      step(net, loss, optimizer, batch, size);
      long between = dry.liveBytes();
      dry.resetPeak();
      step(net, loss, optimizer, batch, size);
      return new MemoryPlan(weights, between - weights, dry.peakBytes() - between);
    }
  }

  private static void step(
      ChangeNet net, SegmentationLoss loss, Optimizer optimizer, int batch, int size) {
    TrainStep.run(
        net,
        loss,
        optimizer,
        () ->
            new TrainStep.Pairs(
                image(net, batch, size),
                image(net, batch, size),
                (h, w) -> Tensor.empty(Shape.of(batch, h, w), DType.INT32, net.device())));
  }

  private static Variable image(ChangeNet net, int batch, int size) {
    return new Variable(Tensor.empty(Shape.of(batch, size, size, 3), DType.FLOAT32, net.device()));
  }
}
