package dev.changenet.autograd;

import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * A part of the network whose activations are not kept: forward runs unrecorded, backward runs
 * forward again and then back through it (Chen et al., "Training deep nets with sublinear memory
 * cost"). Inputs: x, then the parameters that the part reads; those receive their gradients
 * directly.
 *
 * <p>The body must compute the same both times: random draws are made before, and what counts
 * steps, such as running statistics, asks {@link #isRunningAgain}.
 */
final class Checkpoint extends Function {
  private static final ThreadLocal<Boolean> AGAIN = ThreadLocal.withInitial(() -> false);

  private final UnaryOperator<Variable> body;

  Checkpoint(UnaryOperator<Variable> body) {
    this.body = body;
  }

  static boolean isRunningAgain() {
    return AGAIN.get();
  }

  @Override
  public Op op() {
    return Op.CHECKPOINT;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    try (NoGrad _ = NoGrad.open();
        Scope scope = Scope.open()) {
      Variable out = body.apply(new Variable(in[0]));
      scope.keep(out.data());
      for (int i = 1; i < in.length; i++) {
        if (trains(i)) {
          backend(in[i]).forgetWeight(in[i]);
        }
      }
      // Last: what is saved by a forward pass that fails belongs to no tape.
      save(in[0]);
      return out.data();
    }
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Variable x = new Variable(saved(0), g.needed(0));
    try {
      backward(x, gradOut, g);
    } finally {
      x.zeroGrad();
    }
  }

  private void backward(Variable x, Tensor gradOut, Gradients g) {
    try (Tape tape = Tape.open()) {
      Variable out = again(x);
      if (out == x) {
        g.set(0, gradOut);
        return;
      }
      if (out.creator() == null) {
        throw new IllegalStateException(
            "checkpoint(): the part's result depends neither on its argument nor on a parameter");
      }
      Tape.backward(out, gradOut.share(), tape);
    }
    if (x.grad() != null) {
      g.set(0, x.grad().reshape(x.shape().toArray()));
    }
  }

  private Variable again(Variable x) {
    boolean before = AGAIN.get();
    AGAIN.set(true);
    try {
      return body.apply(x);
    } finally {
      AGAIN.set(before);
    }
  }
}
