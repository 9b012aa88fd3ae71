package dev.changenet.train;

import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.config.OptimSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.util.function.Supplier;

/** One optimizer step on a batch: forward, loss, backward, update. */
final class TrainStep {
  private TrainStep() {}

  /**
   * A batch on the device.
   *
   * @param a first images [B, S, S, 3]
   * @param b second images
   * @param targets class ids
   */
  record Pairs(Variable a, Variable b, SegmentationLoss.Targets targets) {}

  /**
   * Takes the step.
   *
   * @param pairs makes the batch, which is released with the step
   * @return the loss before the update
   */
  static double run(
      ChangeNet net, SegmentationLoss loss, Optimizer optimizer, Supplier<Pairs> pairs) {
    return run(net, loss, optimizer, pairs, CudaGraphs.none(), "");
  }

  /**
   * {@link #run(ChangeNet, SegmentationLoss, Optimizer, Supplier)} on a GPU that may repeat it.
   *
   * @param shapes equal for batches of equal shapes
   */
  static double run(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      Supplier<Pairs> pairs,
      CudaGraphs graphs,
      Object shapes) {
    CudaGraphs use = net.isObserved() || Profile.isOpen() ? CudaGraphs.none() : graphs;
    // Read last: a GPU is still at work on the step.
    return use.run(
        shapes,
        () -> new Tensor[] {take(net, loss, optimizer, pairs)},
        results -> results[0].item());
  }

  /** Takes the step; returns the loss. */
  private static Tensor take(
      ChangeNet net, SegmentationLoss loss, Optimizer optimizer, Supplier<Pairs> pairs) {
    Tensor total;
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Pairs batch = pairs.get();
      SegmentationLoss.Result result =
          loss.compute(net.forward(batch.a(), batch.b()), batch.targets());
      total = result.total().data().share();
      result.total().backward();
    }
    optimizer.step();
    optimizer.zeroGrad();
    return total;
  }

  /** The optimizer of {@code train.optim}. */
  static Optimizer optimizer(ChangeNet net, OptimSpec o) {
    return switch (o.optim()) {
      case "adamw" ->
          Adam.adamW(net.parameters(), o.lr(), o.betas().get(0), o.betas().get(1), o.weightDecay());
      case "adam" ->
          Adam.adam(net.parameters(), o.lr(), o.betas().get(0), o.betas().get(1), o.weightDecay());
      default -> new Sgd(net.parameters(), o.lr(), o.momentum(), o.weightDecay());
    };
  }
}
