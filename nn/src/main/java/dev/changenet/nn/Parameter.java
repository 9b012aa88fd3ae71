package dev.changenet.nn;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Tensor;

/** A trainable tensor of a module; it knows its module and with it its full name. */
public final class Parameter extends Variable {
  private final Module owner;
  private final String name;
  private final Initializer initializer;
  private boolean frozen;

  Parameter(Module owner, String name, Tensor data, Initializer initializer) {
    super(data.detached(), true);
    this.owner = owner;
    this.name = name;
    this.initializer = initializer;
  }

  /** Full state-dict name, such as {@code backbone.blocks.0.attn.q.weight}. */
  public String name() {
    String path = owner.path();
    return path.isEmpty() ? name : path + "." + name;
  }

  Initializer initializer() {
    return initializer;
  }

  /** Stops (or resumes) the flow of gradients into this parameter. */
  public void setFrozen(boolean frozen) {
    this.frozen = frozen;
  }

  @Override
  public boolean requiresGrad() {
    return !frozen;
  }

  @Override
  public String toString() {
    return name() + " " + shape();
  }
}
