package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** alpha·x. */
public final class ScaleFunction extends Function {
  private final float alpha;

  public ScaleFunction(float alpha) {
    this.alpha = alpha;
  }

  @Override
  public Op op() {
    return Op.SCALE;
  }

  public float alpha() {
    return alpha;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).elementwise().scale(in[0], alpha, out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, gradOut);
    backend(gradOut).elementwise().scale(gradOut, alpha, gradX);
  }
}
