package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** The same elements under another shape; no data moves. */
public final class ReshapeFunction extends Function {
  private final int[] shape;
  private int[] inShape;

  public ReshapeFunction(int... shape) {
    this.shape = shape.clone();
  }

  @Override
  public Op op() {
    return Op.RESHAPE;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    inShape = in[0].shape().toArray();
    return in[0].reshape(shape);
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut.reshape(inShape));
  }
}
