package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * y = x·wᵀ + b on the last dimension. Inputs: x [M…, I], w [O, I] or [O, I, 1, 1], b [O] or null.
 */
public final class LinearFunction extends Function {
  @Override
  public Op op() {
    return Op.LINEAR;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    int[] shape = x.shape().toArray();
    shape[shape.length - 1] = w.dim(0);
    Tensor out = x.emptyLike(shape);
    backend(x).dense().linear(x, w, in[2], out);
    if (trains(1)) {
      backend(x).forgetWeight(w);
    }
    save(x, w, in[2]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w = saved(1);
    Tensor gradX = g.allocate(0, x);
    if (gradX != null) {
      backend(x).dense().linearBackwardInput(gradOut, w, gradX);
    }
    boolean bias = saved(2) != null && g.needed(2);
    if (g.needed(1) || bias) {
      Tensor gradW = w.emptyLike();
      Tensor gradB = bias ? g.allocate(2, saved(2)) : null;
      backend(x).dense().linearBackwardWeight(gradOut, x, gradW, gradB);
      g.set(1, gradW);
    }
  }
}
