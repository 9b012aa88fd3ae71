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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
   * The losses of a step, before its update.
   *
   * @param total weighted sum
   * @param components unweighted loss of each output that counts, coarsest first
   */
  record Losses(double total, List<Double> components) {
    Losses {
      components = List.copyOf(components);
    }
  }

  /**
   * Takes the step.
   *
   * @param pairs makes the batch, which is released with the step
   */
  static Losses run(
      ChangeNet net, SegmentationLoss loss, Optimizer optimizer, Supplier<Pairs> pairs) {
    return run(net, loss, optimizer, pairs, null, CudaGraphs.none(), "");
  }

  /**
   * {@link #run(ChangeNet, SegmentationLoss, Optimizer, Supplier)} on a GPU that may repeat it.
   *
   * @param look called when the gradients are complete, before the update; may be null
   * @param shapes equal for batches of equal shapes
   */
  static Losses run(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      Supplier<Pairs> pairs,
      Runnable look,
      CudaGraphs graphs,
      Object shapes) {
    boolean observed = look != null || net.isObserved() || Profile.isOpen();
    CudaGraphs use = observed ? CudaGraphs.none() : graphs;
    // Read last: a GPU is still at work on the step.
    return use.run(shapes, () -> take(net, loss, optimizer, pairs, look), TrainStep::read);
  }

  private static Losses read(Tensor[] results) {
    List<Double> components = new ArrayList<>();
    for (Tensor component : Arrays.asList(results).subList(1, results.length)) {
      components.add(component.item());
    }
    return new Losses(results[0].item(), components);
  }

  /** Takes the step; returns the total loss and its components. */
  private static Tensor[] take(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      Supplier<Pairs> pairs,
      Runnable look) {
    List<Tensor> losses = new ArrayList<>();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Pairs batch = pairs.get();
      SegmentationLoss.Result result =
          loss.compute(net.forward(batch.a(), batch.b()), batch.targets());
      losses.add(result.total().data().share());
      result.components().forEach(c -> losses.add(c.data().share()));
      result.total().backward();
    }
    if (look != null) {
      look.run();
    }
    optimizer.step();
    optimizer.zeroGrad();
    return losses.toArray(Tensor[]::new);
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
