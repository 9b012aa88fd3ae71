package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * Layer-scaled residual with drop path: x + s[b]·gamma ⊙ y. Inputs: x [B, …, C], y of the same
 * shape, gamma [C] or null.
 */
public final class ResidualFunction extends Function {
  private final float[] sampleScale;

  /**
   * @param sampleScale one factor per sample, or null for 1
   */
  public ResidualFunction(float[] sampleScale) {
    this.sampleScale = sampleScale;
  }

  @Override
  public Op op() {
    return Op.RESIDUAL;
  }

  /** True when drop path is active, which an exported graph can't be. */
  public boolean hasSampleScale() {
    return sampleScale != null;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).elementwise().residual(in[0], in[1], in[2], sampleScale, out);
    // y is needed for gamma's gradient only.
    save(in[2] == null ? null : in[1], in[2]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut);
    Tensor gamma = saved(1);
    if (gamma == null && sampleScale == null) {
      g.set(1, gradOut);
      return;
    }
    Tensor gradY = g.allocate(1, gradOut);
    Tensor gradGamma = gamma == null ? null : g.allocate(2, gamma);
    if (gradY != null || gradGamma != null) {
      // Without gamma y has no influence; any tensor of its shape will do.
      Tensor y = gamma == null ? gradOut : saved(0);
      backend(gradOut)
          .elementwise()
          .residualBackward(gradOut, y, gamma, sampleScale, gradY, gradGamma);
    }
  }
}
