package dev.changenet.autograd;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;

/** Receives what a function's backward pass computes, one gradient per input. */
public final class Gradients {
  private final Function function;
  private final Tensor[] values;

  Gradients(Function function, int inputs) {
    this.function = function;
    this.values = new Tensor[inputs];
  }

  /** True when input {@code i} wants a gradient; others need not be computed. */
  public boolean needed(int i) {
    Variable v = function.input(i);
    return v != null && v.requiresGrad();
  }

  /** Number of inputs, absent ones included. */
  public int inputs() {
    return values.length;
  }

  /** Sets the gradient of input {@code i}; it may be gradOut itself. */
  public void set(int i, Tensor gradient) {
    values[i] = gradient;
  }

  /** Returns an uninitialised tensor like {@code like} when input {@code i} is needed, or null. */
  public Tensor allocate(int i, Tensor like) {
    if (!needed(i)) {
      return null;
    }
    values[i] = like.emptyLike();
    return values[i];
  }

  Tensor get(int i) {
    return values[i];
  }

  /** Returns what {@code g} holds as a tensor that nobody else will see change. */
  static Tensor own(Tensor g) {
    if (g.exclusive()) {
      return g.share();
    }
    Tensor copy = g.emptyLike().detached();
    Backends.of(g.device()).elementwise().copy(g, copy);
    return copy;
  }

  /** Returns total + g: in place when nobody else sees {@code total}. */
  static Tensor sum(Tensor total, Tensor g) {
    if (!total.shape().equals(g.shape())) {
      throw new IllegalStateException(
          "gradients of shapes " + total.shape() + " and " + g.shape() + " meet in one variable");
    }
    Tensor out = total.exclusive() ? total : total.emptyLike();
    Backends.of(total.device()).elementwise().add(total, g, 1f, out);
    return out;
  }
}
