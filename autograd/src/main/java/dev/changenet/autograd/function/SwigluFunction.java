package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** silu(x[…, :F])·x[…, F:] for x [M…, 2F]. */
public final class SwigluFunction extends Function {
  @Override
  public Op op() {
    return Op.SWIGLU;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    int[] shape = in[0].shape().toArray();
    shape[shape.length - 1] /= 2;
    Tensor out = in[0].emptyLike(shape);
    backend(out).elementwise().swiglu(in[0], out);
    save(in[0]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = saved(0).emptyLike();
    backend(gradOut).elementwise().swigluBackward(saved(0), gradOut, gradX);
    g.set(0, gradX);
  }
}
