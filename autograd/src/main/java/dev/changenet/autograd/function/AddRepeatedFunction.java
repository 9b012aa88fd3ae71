package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** a + b where b is repeated along a's leading dimensions: a [R…, n…], b of n elements. */
public final class AddRepeatedFunction extends Function {
  @Override
  public Op op() {
    return Op.ADD_REPEATED;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).elementwise().addRepeated(in[0], in[1], out);
    save(in[1]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut);
    Tensor gradB = g.allocate(1, saved(0));
    if (gradB != null) {
      backend(gradOut).elementwise().sumLeading(gradOut, gradB);
    }
  }
}
