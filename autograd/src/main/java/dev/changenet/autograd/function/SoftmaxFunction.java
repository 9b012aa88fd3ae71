package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Softmax over runs of {@code group} elements of the last dimension. */
public final class SoftmaxFunction extends Function {
  private final int group;

  public SoftmaxFunction(int group) {
    this.group = group;
  }

  @Override
  public Op op() {
    return Op.SOFTMAX;
  }

  public int group() {
    return group;
  }

  private Tensor grouped(Tensor x) {
    return x.reshape((int) (x.elements() / group), group);
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor out = in[0].emptyLike();
    backend(out).attention().softmax(grouped(in[0]), grouped(out));
    save(out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = gradOut.emptyLike();
    backend(gradOut)
        .attention()
        .softmaxBackward(grouped(saved(0)), grouped(gradOut), grouped(gradX));
    g.set(0, gradX);
  }
}
