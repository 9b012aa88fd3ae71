package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;

/** The same values in another floating type. Input: x of any shape. */
public final class CastFunction extends Function {
  private final DType type;
  private DType from;

  public CastFunction(DType type) {
    this.type = type;
  }

  @Override
  public Op op() {
    return Op.CAST;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    from = in[0].dtype();
    Tensor out = Tensor.empty(in[0].shape(), type, in[0].device());
    backend(out).elementwise().cast(in[0], out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = Tensor.empty(gradOut.shape(), from, gradOut.device());
    backend(gradX).elementwise().cast(gradOut, gradX);
    g.set(0, gradX);
  }
}
