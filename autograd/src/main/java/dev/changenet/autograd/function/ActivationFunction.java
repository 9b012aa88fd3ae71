package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;

/** Pointwise activation. Input: x of any shape. */
public final class ActivationFunction extends Function {
  private final Activation activation;

  public ActivationFunction(Activation activation) {
    this.activation = activation;
  }

  @Override
  public Op op() {
    return Op.ACTIVATION;
  }

  public Activation activation() {
    return activation;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(in[0]).elementwise().activation(activation, in[0], out);
    save(activation == Activation.RELU ? out : in[0]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, gradOut);
    backend(gradOut).elementwise().activationBackward(activation, saved(0), gradOut, gradX);
  }
}
