package dev.changenet.benchmark;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.LossScale;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Objects;

/** Backward pass and update of a step as training does them: with a loss scale for float16. */
final class MixedStep implements AutoCloseable {
  private final Optimizer optimizer;
  private final LossScale scale;
  private final Tensor norm;

  MixedStep(Optimizer optimizer, Device device, DType activations) {
    this.optimizer = optimizer;
    boolean scaled = activations == DType.FLOAT16;
    scale = scaled ? new LossScale() : null;
    norm = scaled ? Tensor.zeros(Shape.of(1), DType.FLOAT32, device).detached() : null;
  }

  /** Activations of the precision that a case names: {@code fp32}, tf32, bf16 or fp16. */
  static DType activations(String precision) {
    return switch (precision) {
      case "bf16" -> DType.BFLOAT16;
      case "fp16" -> DType.FLOAT16;
      case "fp32", "tf32" -> DType.FLOAT32;
      default ->
          throw new IllegalArgumentException(
              "precision: found " + precision + ", expected fp32, tf32, bf16 or fp16");
    };
  }

  void backward(Variable loss) {
    if (scale == null) {
      loss.backward();
    } else {
      loss.backward(scale.scale());
    }
  }

  /** Undoes the scaling of the gradients. */
  void unscale() {
    List<Tensor> grads =
        optimizer.parameters().stream().map(Parameter::grad).filter(Objects::nonNull).toList();
    if (scale != null && !grads.isEmpty()) {
      Backends.of(norm.device())
          .optimize()
          .clip(grads, Double.POSITIVE_INFINITY, 1 / scale.scale(), norm);
    }
  }

  /** Updates the parameters, whose gradients are no longer scaled. */
  void update() {
    optimizer.step(norm);
    optimizer.zeroGrad();
  }

  /** Waits for the step and tells whether it changed the parameters; else the scale is smaller. */
  boolean settle() {
    boolean updated = scale == null || Double.isFinite(norm.item());
    if (scale != null) {
      scale.update(updated);
    }
    if (!updated) {
      optimizer.takeBack();
      scale.requireUsable();
    }
    return updated;
  }

  @Override
  public void close() {
    if (norm != null) {
      norm.close();
    }
  }
}
