package dev.changenet.train;

import dev.changenet.autograd.Variable;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.TrainSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;

/**
 * The memory that the tensors of a training will take, found by training steps in a {@link DryRun}.
 *
 * @param weights bytes of parameters and buffers
 * @param kept bytes of optimizer state, packed and averaged weights, which stay between steps
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
   * @param parts parts of a batch
   * @param build makes the network, as frozen as it will be
   */
  static MemoryPlan of(
      ExperimentSpec spec, int batch, int parts, SegmentationLoss loss, Supplier<ChangeNet> build) {
    TrainSpec train = spec.train();
    try (DryRun dry = DryRun.open();
        ChangeNet net = build.get();
        Optimizer optimizer = TrainStep.optimizer(net, train.optim())) {
      long weights = dry.liveBytes();
      net.train(true);
      try (GradientClip clip = TrainingAids.clip(train, net);
          WeightAverage _ = TrainingAids.average(train, net)) {
        Supplier<TrainStep.Pairs> part =
            part(net, Accumulation.largest(batch, parts), spec.segmentData().imgSize(), parts);
        // A third part would find what the second one finds.
        List<Supplier<TrainStep.Pairs>> all = Collections.nCopies(Math.min(parts, 2), part);
        // Optimizer state and packed weights are complete after the first step.
        step(net, loss, optimizer, all, clip);
        long between = dry.liveBytes();
        dry.resetPeak();
        step(net, loss, optimizer, all, clip);
        return new MemoryPlan(weights, between - weights, dry.peakBytes() - between);
      }
    }
  }

  private static void step(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      List<Supplier<TrainStep.Pairs>> parts,
      GradientClip clip) {
    TrainStep.Between between = new TrainStep.Between(null, clip);
    TrainStep.run(net, loss, optimizer, parts, between, CudaGraphs.none(), "");
  }

  private static Supplier<TrainStep.Pairs> part(ChangeNet net, int batch, int size, int parts) {
    return () ->
        new TrainStep.Pairs(
            image(net, batch, size),
            image(net, batch, size),
            (h, w) -> Tensor.empty(Shape.of(batch, h, w), DType.INT32, net.device()),
            parts == 1 ? null : HALF);
  }

  private static final SegmentationLoss.Share HALF =
      new SegmentationLoss.Share() {
        @Override
        public double pixels(int height, int width) {
          return 0.5;
        }

        @Override
        public double samples() {
          return 0.5;
        }
      };

  private static Variable image(ChangeNet net, int batch, int size) {
    return new Variable(Tensor.empty(Shape.of(batch, size, size, 3), DType.FLOAT32, net.device()));
  }
}
