package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Σ weights[i]·in[i] of scalars. */
public final class WeightedSumFunction extends Function {
  private final float[] weights;

  public WeightedSumFunction(float... weights) {
    this.weights = weights.clone();
  }

  @Override
  public Op op() {
    return Op.WEIGHTED_SUM;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor sum = in[0].emptyLike();
    backend(sum).elementwise().scale(in[0], weights[0], sum);
    for (int i = 1; i < in.length; i++) {
      backend(sum).elementwise().add(sum, in[i], weights[i], sum);
    }
    return sum;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    for (int i = 0; i < weights.length; i++) {
      Tensor part = g.allocate(i, gradOut);
      if (part != null) {
        backend(gradOut).elementwise().scale(gradOut, weights[i], part);
      }
    }
  }
}
