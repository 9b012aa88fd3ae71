package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/** 2-d convolution, with or without bias: [B, H, W, in] → [B, H', W', out]. */
public final class Conv2d extends Layer {
  private final Parameter weight;
  private final Parameter bias;
  private final int stride;
  private final int padding;
  private final int groups;
  private final boolean relu;

  /**
   * @param groups 1, or in = out for a depthwise convolution
   * @param relu apply ReLU to the output, in the same pass
   * @param biasInit initial bias, or null for a convolution without one
   */
  public Conv2d(
      Device device,
      int in,
      int out,
      int kernel,
      int stride,
      int padding,
      int groups,
      boolean relu,
      Initializer weightInit,
      Initializer biasInit) {
    super(device);
    this.stride = stride;
    this.padding = padding;
    this.groups = groups;
    this.relu = relu;
    weight = parameter("weight", weightInit, out, in / groups, kernel, kernel);
    bias = biasInit == null ? null : parameter("bias", biasInit, out);
  }

  /** A 3×3 convolution with padding 1 and PyTorch's default initial values. */
  public static Conv2d conv3x3(Device device, int in, int out, boolean relu) {
    Initializer init = Initializer.fanIn(9 * in);
    return new Conv2d(device, in, out, 3, 1, 1, 1, relu, init, init);
  }

  /** A depthwise convolution that keeps the size. */
  public static Conv2d depthwise(
      Device device, int channels, int kernel, Initializer weightInit, Initializer biasInit) {
    return new Conv2d(
        device, channels, channels, kernel, 1, kernel / 2, channels, false, weightInit, biasInit);
  }

  /**
   * This 3×3 convolution followed by {@code second}, whose bias is left out, in one operation.
   * Neither module's hooks are called.
   *
   * @throws IllegalStateException unless both keep the size and have no ReLU
   */
  public Variable followedBy(Conv2d second, Variable x) {
    if (!plain() || !second.plain()) {
      throw new IllegalStateException(
          "conv2d: only convolutions with stride 1, padding 1 and no ReLU can be joined");
    }
    return Functional.conv2dPair(x, weight, bias, second.weight);
  }

  private boolean plain() {
    return stride == 1 && padding == 1 && groups == 1 && !relu;
  }

  @Override
  protected Variable forward(Variable x) {
    return relu
        ? Functional.conv2dRelu(x, weight, bias, stride, padding)
        : Functional.conv2d(x, weight, bias, stride, padding, groups);
  }
}
