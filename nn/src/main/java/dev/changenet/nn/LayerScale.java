package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;

/** A factor per channel on the branch of a residual connection, {@code gamma} [C]. */
public final class LayerScale extends Layer {
  private final Parameter gamma;

  public LayerScale(Device device, int channels, double initial) {
    super(device);
    gamma = parameter("gamma", Initializer.constant(initial), channels);
  }

  /**
   * x + sampleScale[b]·gamma ⊙ y in one pass.
   *
   * @param sampleScale one factor per sample, or null
   */
  public Variable residual(Variable x, Variable y, float[] sampleScale) {
    if (isObserved() && !Trace.isOpen()) {
      // A hook wants to see the scaled branch.
      return Functional.residual(x, call(y), null, sampleScale);
    }
    return Functional.residual(x, y, gamma, sampleScale);
  }

  /** gamma ⊙ y. */
  @Override
  protected Variable forward(Variable y) {
    Variable zero = new Variable(Tensor.zeros(y.shape(), y.data().dtype(), y.data().device()));
    return Functional.residual(zero, y, gamma, null);
  }
}
