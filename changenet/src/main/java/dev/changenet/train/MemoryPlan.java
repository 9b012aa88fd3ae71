package dev.changenet.train;

import dev.changenet.autograd.Variable;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.TrainSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;

/**
 * The memory that the tensors of a task will take, found by its steps in a {@link DryRun}.
 *
 * @param weights bytes of parameters and buffers
 * @param optimizer bytes of optimizer state
 * @param average bytes of averaged weights
 * @param packed bytes of packed copies of weights, and what else stays between steps
 * @param gradients bytes of all gradients of parameters, a part of {@code passing}
 * @param passing bytes of activations and gradients when they are most
 * @param arrays bytes of all arrays on the heap, those included that wait for their next use
 */
record MemoryPlan(
    long weights,
    long optimizer,
    long average,
    long packed,
    long gradients,
    long passing,
    long arrays) {
  /** Bytes that stay between steps, without the weights. */
  long kept() {
    return optimizer + average + packed;
  }

  /** Bytes of all tensors at the worst moment. */
  long peak() {
    return weights + kept() + passing;
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
    int size = spec.segmentData().imgSize();
    try (DryRun dry = DryRun.open();
        ChangeNet net = build.get();
        Optimizer optimizer = TrainStep.optimizer(net, train.optim())) {
      long weights = dry.liveBytes();
      net.train(true);
      try (GradientClip clip = TrainingAids.clip(train, net);
          WeightAverage _ = TrainingAids.average(train, net)) {
        long average = dry.liveBytes() - weights;
        int largest = Accumulation.largest(batch, parts);
        // A third part would find what the second one finds.
        List<Supplier<TrainStep.Pairs>> all =
            Collections.nCopies(Math.min(parts, 2), part(net, largest, size, parts > 1));
        TrainStep.Between update = new TrainStep.Between(null, clip, TrainingAids.scale(train));
        // Optimizer state is complete after the first step, packed weights after the second.
        for (int i = 0; i < 2; i++) {
          step(net, loss, optimizer, all, update);
        }
        long between = dry.liveBytes();
        dry.resetPeak();
        step(net, loss, optimizer, all, update);
        net.forgetDerived();
        dry.trimPool();
        net.eval();
        // Weights are packed for a second batch.
        for (int i = 0; i < 2; i++) {
          predict(spec, net, part(net, largest, size, false), loss);
        }
        long passing = dry.peakBytes() - between;
        long state = optimizer.stateElements() * DType.FLOAT32.bytes();
        return new MemoryPlan(
            weights,
            state,
            average,
            between - weights - average - state + copies(net, train),
            trained(net),
            passing,
            dry.arrayBytes());
      }
    }
  }

  /**
   * Plans evaluation or inference.
   *
   * @param loss null where there are no masks
   */
  static MemoryPlan ofPrediction(
      ExperimentSpec spec, int batch, SegmentationLoss loss, Supplier<ChangeNet> build) {
    try (DryRun dry = DryRun.open();
        ChangeNet net = build.get()) {
      long weights = dry.liveBytes();
      net.eval();
      Supplier<TrainStep.Pairs> pairs = part(net, batch, spec.segmentData().imgSize(), false);
      // Weights are packed for a second batch.
      for (int i = 0; i < 2; i++) {
        predict(spec, net, pairs, loss);
      }
      long between = dry.liveBytes();
      dry.resetPeak();
      predict(spec, net, pairs, loss);
      return new MemoryPlan(
          weights, 0, 0, between - weights, 0, dry.peakBytes() - between, dry.arrayBytes());
    }
  }

  /** Bytes of the copies of weights that a GPU keeps in the type of the activations. */
  private static long copies(ChangeNet net, TrainSpec train) {
    DType type = RunContext.activations(train);
    if (net.device().kind() != Device.Kind.CUDA || !type.isHalf()) {
      return 0;
    }
    long elements = 0;
    for (Parameter p : net.parameters()) {
      elements += p.shape().elements();
    }
    return elements * type.bytes();
  }

  private static long trained(ChangeNet net) {
    long elements = 0;
    for (Parameter p : net.parameters()) {
      elements += p.requiresGrad() ? p.shape().elements() : 0;
    }
    return elements * DType.FLOAT32.bytes();
  }

  private static void predict(
      ExperimentSpec spec, ChangeNet net, Supplier<TrainStep.Pairs> pairs, SegmentationLoss loss) {
    boolean multiScale = spec.segmentData().multiScaleInfer();
    for (Tensor t : Predictor.forward(net, multiScale, pairs, loss, true)) {
      if (t != null) {
        t.close();
      }
    }
  }

  private static void step(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      List<Supplier<TrainStep.Pairs>> parts,
      TrainStep.Between between) {
    TrainStep.run(net, loss, optimizer, parts, between, CudaGraphs.none(), "");
  }

  /**
   * @param cut whether these pairs are a part of a batch
   */
  private static Supplier<TrainStep.Pairs> part(ChangeNet net, int batch, int size, boolean cut) {
    return () ->
        new TrainStep.Pairs(
            image(net, batch, size),
            image(net, batch, size),
            (h, w) -> Tensor.empty(Shape.of(batch, h, w), DType.INT32, net.device()),
            cut ? HALF : null);
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
