package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/** Layer norm over the last dimension (channels of tokens or of a channels-last map). */
public final class LayerNorm extends Layer {
  private final Parameter weight;
  private final Parameter bias;
  private final double eps;
  private final boolean unbiased;

  /**
   * @param unbiased divide the variance by C − 1: what the reference's ConvNeXt norms after the
   *     stem's do
   */
  public LayerNorm(Device device, int channels, double eps, boolean unbiased) {
    super(device);
    this.eps = eps;
    this.unbiased = unbiased;
    weight = parameter("weight", Initializer.constant(1), channels);
    bias = parameter("bias", Initializer.constant(0), channels);
  }

  @Override
  protected Variable forward(Variable x) {
    return Functional.layerNorm(x, weight, bias, eps, unbiased);
  }
}
