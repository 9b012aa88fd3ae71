package dev.changenet.autograd;

import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A tensor in the graph: its value, how it came about, and for leaves its gradient. */
public class Variable {
  private final Tensor data;
  private final boolean leafRequiresGrad;
  private final Function creator;
  private Tensor grad;
  private List<Consumer<Tensor>> gradientHooks;

  /** A constant: no gradient flows into it. */
  public Variable(Tensor data) {
    this(data, false);
  }

  /** A leaf, trainable when {@code requiresGrad}. */
  public Variable(Tensor data, boolean requiresGrad) {
    this.data = data;
    this.leafRequiresGrad = requiresGrad;
    this.creator = null;
  }

  Variable(Tensor data, Function creator) {
    this.data = data;
    this.leafRequiresGrad = false;
    this.creator = creator;
  }

  public Tensor data() {
    return data;
  }

  public Shape shape() {
    return data.shape();
  }

  /** Size of dimension {@code i}; negative counts from the end. */
  public int dim(int i) {
    return data.dim(i);
  }

  /** True when the backward pass reaches this variable. */
  public boolean requiresGrad() {
    return creator != null || leafRequiresGrad;
  }

  Function creator() {
    return creator;
  }

  /** Gradient of a leaf after the backward pass; null when none arrived. */
  public Tensor grad() {
    return grad;
  }

  /** Releases the gradient. */
  public void zeroGrad() {
    if (grad != null) {
      grad.close();
      grad = null;
    }
  }

  /**
   * Calls {@code hook} with the gradient of this variable, once it is complete, in every backward
   * pass; for a leaf that is what this pass adds to {@link #grad}. A part of the network that is
   * computed twice ({@link Functional#checkpoint}) has a backward pass of its own; in the first of
   * its passes nothing requires a gradient, so a hook in it is for {@link #requiresGrad} alone. The
   * hook may change the tensor in place: what it leaves flows on. The tensor is closed after the
   * call: copy what you keep.
   *
   * @return removes the hook
   * @throws IllegalStateException when no gradient will arrive: a constant, a frozen parameter, or
   *     a value that was computed without a {@link Tape}
   */
  public RemovableHandle registerHook(Consumer<Tensor> hook) {
    if (!requiresGrad()) {
      throw new IllegalStateException(
          "cannot register a hook on a tensor that doesn't require gradient");
    }
    if (gradientHooks == null) {
      // A hook may register or remove hooks.
      gradientHooks = new CopyOnWriteArrayList<>();
    }
    RemovableHandle handle = RemovableHandle.add(gradientHooks, hook);
    if (creator != null) {
      creator.addGradientHooks(gradientHooks);
    }
    return handle;
  }

  /** True when someone wants to see the gradient of a backward pass. */
  boolean hasHooks() {
    return gradientHooks != null && !gradientHooks.isEmpty();
  }

  /** Shows the gradient of a leaf in a backward pass, now that it is complete, and adds it. */
  void complete(Tensor g) {
    gradientHooks.forEach(h -> h.accept(g));
    accumulate(g);
  }

  /** Adds a gradient contribution to a leaf. */
  void accumulate(Tensor g) {
    if (grad == null) {
      // A gradient that also flows on elsewhere must not change when this one is scaled.
      grad = Gradients.own(g);
    } else {
      Tensor sum = Gradients.sum(grad, g);
      if (sum != grad) {
        grad.close();
        grad = sum.share();
      }
    }
  }

  /** Runs the backward pass from this scalar: see {@link Tape#backward}. */
  public void backward() {
    Tape.backward(this);
  }

  /**
   * Runs the backward pass from a multiple of this scalar, a float32 one. The factor is copied to
   * the device, so that each replay of a recorded step may have another one.
   */
  public void backward(double factor) {
    Tape.backward(this, factor);
  }
}
