package dev.changenet.train;

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
import java.util.function.Supplier;

/** One optimizer step on a batch: forward, loss, backward, update. */
final class TrainStep {
  private TrainStep() {}

  /** Two images of a batch, [B, S, S, 3] each. */
  record Images(Variable a, Variable b) {}

  /**
   * Takes the step.
   *
   * @param images makes the images, which are released with the step
   * @param labels class ids [B, S, S]
   * @return the loss before the update
   */
  static double run(
      ChangeNet net,
      SegmentationLoss loss,
      Optimizer optimizer,
      Supplier<Images> images,
      int[] labels) {
    Tensor total;
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Images pair = images.get();
      SegmentationLoss.Result result = loss.compute(net.forward(pair.a(), pair.b()), labels);
      total = result.total().data().share();
      result.total().backward();
    }
    try (total) {
      optimizer.step();
      optimizer.zeroGrad();
      // Read last: a GPU is still at work on the step.
      return total.item();
    }
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
