package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** a + alpha·b for tensors of one shape. */
public final class AddFunction extends Function {
  private final float alpha;

  public AddFunction(float alpha) {
    this.alpha = alpha;
  }

  @Override
  public Op op() {
    return Op.ADD;
  }

  public float alpha() {
    return alpha;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).elementwise().add(in[0], in[1], alpha, out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut);
    if (alpha == 1f) {
      g.set(1, gradOut);
    } else {
      Tensor gradB = g.allocate(1, gradOut);
      if (gradB != null) {
        backend(gradOut).elementwise().scale(gradOut, alpha, gradB);
      }
    }
  }
}
