package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * Identity on the first input; the others, parameters that cannot influence the result, get a
 * gradient of zero. Optimizers thus treat them as the reference does, weight decay included.
 */
public final class AttachIdleFunction extends Function {
  @Override
  public Op op() {
    return Op.ATTACH_IDLE;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    save(in);
    return in[0].reshape(in[0].shape().toArray());
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut);
    for (int i = 1; g.inputs() > i; i++) {
      Tensor zero = g.allocate(i, saved(i));
      if (zero != null) {
        backend(gradOut).elementwise().fill(zero, 0);
      }
    }
  }
}
