package dev.changenet.nn;

import dev.changenet.autograd.Variable;
import dev.changenet.tensor.Device;

/** A module with one input and one output. */
public abstract class Layer extends Module {
  protected Layer(Device device) {
    super(device);
  }

  /** Computes the output for {@code x}. */
  public final Variable call(Variable x) {
    return run(() -> forward(x));
  }

  protected abstract Variable forward(Variable x);
}
