package dev.changenet.train;

import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.TooFewValuesException;
import dev.changenet.autograd.Variable;
import dev.changenet.config.OptimSpec;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.LossScale;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.ChangeNetException;
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
   * @param scale factor that they are computed with, or null; needs {@code clip}
   */
  record Between(Runnable look, GradientClip clip, LossScale scale) {
    static final Between NOTHING = new Between(null, null, null);
  }

  /**
   * The losses of a step, before its update.
   *
   * @param total weighted sum
   * @param components unweighted loss of each output that counts, coarsest first
   * @param updated false where a gradient was not finite, so that the weights are as before
   */
  record Losses(double total, List<Double> components, boolean updated) {
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
    try {
      return use.run(
          shapes,
          () -> take(net, loss, optimizer, parts, between),
          results -> read(results, parts.size(), optimizer, between));
    } catch (TooFewValuesException e) {
      throw new ChangeNetException(
          e.getMessage() + ": raise dataset.segment.batch_size or dataset.segment.img_size", e);
    }
  }

  /** Adds up the losses of the parts and learns whether there was an update. */
  private static Losses read(Tensor[] results, int parts, Optimizer optimizer, Between between) {
    int each = results.length / parts;
    double[] sums = new double[each];
    for (int i = 0; i < results.length; i++) {
      sums[i % each] += results[i].item();
    }
    boolean updated = true;
    if (between.scale != null) {
      updated = Double.isFinite(between.clip.norm().item());
      between.scale.update(updated);
      if (!updated) {
        optimizer.takeBack();
      }
    }
    return new Losses(sums[0], Arrays.stream(sums).skip(1).boxed().toList(), updated);
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
        if (between.scale == null) {
          result.total().backward();
        } else {
          result.total().backward(between.scale.scale());
        }
      }
    }
    update(optimizer, between);
    return losses.toArray(Tensor[]::new);
  }

  private static void update(Optimizer optimizer, Between between) {
    double unscale = between.scale == null ? 1 : 1 / between.scale.scale();
    if (between.look != null) {
      if (between.scale != null) {
        between.clip.scale(optimizer.parameters(), unscale);
        unscale = 1;
      }
      between.look.run();
    }
    if (between.clip != null) {
      between.clip.apply(optimizer.parameters(), unscale);
    }
    // Not read here: the host would wait, and a recorded step repeats the same work.
    optimizer.step(between.scale == null ? null : between.clip.norm());
    optimizer.zeroGrad();
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
