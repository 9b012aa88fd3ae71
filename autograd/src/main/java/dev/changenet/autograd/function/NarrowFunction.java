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
    Runs runs = Runs.along(dim, inShape);
    int run = runs.length(length);
    backend(out)
        .elementwise()
        .copyBlocks(
            in[0],
            runs.elements(start),
            runs.elements(inShape[dim]),
            out,
            0,
            run,
            run,
            runs.outer());
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = gradOut.emptyLike(inShape);
    backend(gradOut).elementwise().fill(gradX, 0);
    Runs runs = Runs.along(dim, inShape);
    int run = runs.length(length);
    backend(gradOut)
        .elementwise()
        .copyBlocks(
            gradOut,
            0,
            run,
            gradX,
            runs.elements(start),
            runs.elements(inShape[dim]),
            run,
            runs.outer());
    g.set(0, gradX);
  }
}
