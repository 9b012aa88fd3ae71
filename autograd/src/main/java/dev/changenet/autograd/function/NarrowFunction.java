package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Elements start … start + length − 1 along dimension dim. */
public final class NarrowFunction extends Function {
  private final int dim;
  private final int start;
  private final int length;
  private int[] inShape;

  public NarrowFunction(int dim, int start, int length) {
    this.dim = dim;
    this.start = start;
    this.length = length;
  }

  @Override
  public Op op() {
    return Op.NARROW;
  }

  public int dim() {
    return dim;
  }

  public int start() {
    return start;
  }

  public int length() {
    return length;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    inShape = in[0].shape().toArray();
    int[] shape = inShape.clone();
    shape[dim] = length;
    Tensor out = in[0].emptyLike(shape);
    int inner = inner();
    backend(out)
        .elementwise()
        .copyBlocks(
            in[0],
            (long) start * inner,
            (long) inShape[dim] * inner,
            out,
            0,
            (long) length * inner,
            length * inner,
            outer());
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = gradOut.emptyLike(inShape);
    backend(gradOut).elementwise().fill(gradX, 0);
    int inner = inner();
    backend(gradOut)
        .elementwise()
        .copyBlocks(
            gradOut,
            0,
            (long) length * inner,
            gradX,
            (long) start * inner,
            (long) inShape[dim] * inner,
            length * inner,
            outer());
    g.set(0, gradX);
  }

  private int inner() {
    int n = 1;
    for (int i = dim + 1; i < inShape.length; i++) {
      n *= inShape[i];
    }
    return n;
  }

  private int outer() {
    int n = 1;
    for (int i = 0; i < dim; i++) {
      n *= inShape[i];
    }
    return n;
  }
}
