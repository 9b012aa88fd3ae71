package dev.changenet.train;

import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Objects;

/**
 * Scales gradients and limits the L2 norm of all of them together, as {@code
 * torch.nn.utils.clip_grad_norm_}.
 */
final class GradientClip implements AutoCloseable {
  private final double maxNorm;
  private final Tensor norm;

  /**
   * @param maxNorm above 0; infinite for no limit
   */
  GradientClip(double maxNorm, Device device) {
    this.maxNorm = maxNorm;
    this.norm = Tensor.zeros(Shape.of(1), device.floating(), device).detached();
  }

  /**
   * Multiplies the gradients of {@code parameters} by {@code scale}, then scales them down where
   * their norm is larger than the limit.
   */
  void apply(List<Parameter> parameters, double scale) {
    apply(parameters, maxNorm, scale);
  }

  /** Multiplies the gradients of {@code parameters} by {@code scale}. */
  void scale(List<Parameter> parameters, double scale) {
    apply(parameters, Double.POSITIVE_INFINITY, scale);
  }

  private void apply(List<Parameter> parameters, double limit, double scale) {
    List<Tensor> grads = parameters.stream().map(Parameter::grad).filter(Objects::nonNull).toList();
    if (!grads.isEmpty()) {
      Backends.of(norm.device()).optimize().clip(grads, limit, scale, norm);
    }
  }

  /**
   * Norm of the last gradients, [1]: after they were multiplied and before they were limited. Not
   * finite where a gradient is not.
   */
  Tensor norm() {
    return norm;
  }

  @Override
  public void close() {
    norm.close();
  }
}
