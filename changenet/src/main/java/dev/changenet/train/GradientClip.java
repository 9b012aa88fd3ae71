package dev.changenet.train;

import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Objects;

/** Limits the L2 norm of all gradients together, as {@code torch.nn.utils.clip_grad_norm_}. */
final class GradientClip implements AutoCloseable {
  private final double maxNorm;
  private final Tensor norm;

  /**
   * @param maxNorm above 0
   */
  GradientClip(double maxNorm, Device device) {
    this.maxNorm = maxNorm;
    this.norm = Tensor.zeros(Shape.of(1), device.floating(), device).detached();
  }

  /** Scales the gradients of {@code parameters} down where their norm is larger. */
  void apply(List<Parameter> parameters) {
    List<Tensor> grads = parameters.stream().map(Parameter::grad).filter(Objects::nonNull).toList();
    if (!grads.isEmpty()) {
      Backends.of(norm.device()).optimize().clip(grads, maxNorm, norm);
    }
  }

  /** Norm of the last gradients before they were scaled. */
  double norm() {
    return norm.item();
  }

  @Override
  public void close() {
    norm.close();
  }
}
