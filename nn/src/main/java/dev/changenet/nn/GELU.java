package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.Device;

/** Exact GELU. */
public final class GELU extends Layer {
  public GELU(Device device) {
    super(device);
  }

  @Override
  protected Variable forward(Variable x) {
    return Functional.gelu(x);
  }
}
