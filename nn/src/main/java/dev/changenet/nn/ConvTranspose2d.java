package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/** Transposed convolution with bias; weight [in, out, k, k]. */
public final class ConvTranspose2d extends Layer {
  private final Parameter weight;
  private final Parameter bias;
  private final int stride;
  private final int padding;

  /** With PyTorch's default initial values. */
  public ConvTranspose2d(Device device, int in, int out, int kernel, int stride, int padding) {
    // PyTorch takes the fan-in from the second weight axis, which is out here.
    this(
        device,
        in,
        out,
        kernel,
        stride,
        padding,
        Initializer.fanIn(out * kernel * kernel),
        Initializer.fanIn(out * kernel * kernel));
  }

  /** With the given initial values. */
  public ConvTranspose2d(
      Device device,
      int in,
      int out,
      int kernel,
      int stride,
      int padding,
      Initializer weightInit,
      Initializer biasInit) {
    super(device);
    this.stride = stride;
    this.padding = padding;
    weight = parameter("weight", weightInit, in, out, kernel, kernel);
    bias = parameter("bias", biasInit, out);
  }

  @Override
  protected Variable forward(Variable x) {
    return Functional.convTranspose2d(x, weight, bias, stride, padding);
  }
}
