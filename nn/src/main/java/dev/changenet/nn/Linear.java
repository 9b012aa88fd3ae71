package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/**
 * Linear map of the last dimension: [M…, in] → [M…, out]. With a 1×1 kernel shape it is a 1×1
 * convolution under PyTorch's weight shape [out, in, 1, 1].
 */
public final class Linear extends Layer {
  private final Parameter weight;
  private final Parameter bias;

  /** A linear layer with the given initial values. */
  public Linear(Device device, int in, int out, Initializer weightInit, Initializer biasInit) {
    this(device, weightInit, biasInit, out, in);
  }

  /** A linear layer with PyTorch's default initial values. */
  public Linear(Device device, int in, int out) {
    this(device, in, out, Initializer.fanIn(in), Initializer.fanIn(in));
  }

  /** A 1×1 convolution. */
  public static Linear conv1x1(
      Device device, int in, int out, Initializer weightInit, Initializer biasInit) {
    return new Linear(device, weightInit, biasInit, out, in, 1, 1);
  }

  private Linear(Device device, Initializer weightInit, Initializer biasInit, int... weightShape) {
    super(device);
    weight = parameter("weight", weightInit, weightShape);
    bias = parameter("bias", biasInit, weightShape[0]);
  }

  /**
   * What inputs {@code start} … of this layer contribute to its result: [M…, n] → [M…, out]. The
   * contributions of all inputs, the bias with one of them, make up the result. Hooks aren't
   * called.
   */
  public Variable contribution(Variable x, int start, boolean withBias) {
    Variable part = Functional.narrow(weight, 1, start, x.dim(-1));
    return Functional.linear(x, part, withBias ? bias : null);
  }

  @Override
  protected Variable forward(Variable x) {
    return Functional.linear(x, weight, bias);
  }
}
