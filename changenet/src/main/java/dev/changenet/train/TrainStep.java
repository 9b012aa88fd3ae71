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
   * @param share what the batch counts where it is a part of a larger one, else null
   */
  record Pairs(
      Variable a, Variable b, SegmentationLoss.Targets targets, SegmentationLoss.Share share) {
    Pairs(Variable a, Variable b, SegmentationLoss.Targets targets) {
      this(a, b, targets, null);
    }
  }

  /**
   * What happens to the gradients of a step before its update.
   *
   * @param look called when they are complete; may be null
   * @param clip limits them, or null
   */
  record Between(Runnable look, GradientClip clip) {
    static final Between NOTHING = new Between(null, null);
  }

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
    return run(net, loss, optimizer, List.of(pairs), Between.NOTHING, CudaGraphs.none(), "");
  }

  /**
   * Takes a step on a batch in one or more parts, whose gradients are added up. A GPU may repeat a
   * step of one part.
   *
   * @param parts make the parts, each of which is released before the next is made
   * @param shapes equal for batches of equal shapes
   */
  static Losses run(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      List<Supplier<Pairs>> parts,
      Between between,
      CudaGraphs graphs,
      Object shapes) {
    boolean ordinary =
        parts.size() > 1 || between.look != null || net.isObserved() || Profile.isOpen();
    CudaGraphs use = ordinary ? CudaGraphs.none() : graphs;
    // Read last: a GPU is still at work on the step.
    return use.run(
        shapes,
        () -> take(net, loss, optimizer, parts, between),
        results -> read(results, parts.size()));
  }

  /** Adds up the losses of the parts. */
  private static Losses read(Tensor[] results, int parts) {
    int each = results.length / parts;
    double[] sums = new double[each];
    for (int i = 0; i < results.length; i++) {
      sums[i % each] += results[i].item();
    }
    return new Losses(sums[0], Arrays.stream(sums).skip(1).boxed().toList());
  }

  /** Takes the step; returns for each part the total loss and its components. */
  private static Tensor[] take(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      List<Supplier<Pairs>> parts,
      Between between) {
    List<Tensor> losses = new ArrayList<>();
    for (Supplier<Pairs> part : parts) {
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Pairs batch = part.get();
        SegmentationLoss.Result result =
            loss.compute(net.forward(batch.a(), batch.b()), batch.targets(), batch.share());
        losses.add(result.total().data().share());
        result.components().forEach(c -> losses.add(c.data().share()));
        result.total().backward();
      }
    }
    if (between.look != null) {
      between.look.run();
    }
    if (between.clip != null) {
      between.clip.apply(optimizer.parameters());
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
