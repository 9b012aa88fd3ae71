package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Concatenation along dimension dim; the other dimensions agree. */
public final class ConcatFunction extends Function {
  private final int dim;
  private int[] sizes;

  public ConcatFunction(int dim) {
    this.dim = dim;
  }

  @Override
  public Op op() {
    return Op.CONCAT;
  }

  /** The dimension that grows, counted from the front. */
  public int dim() {
    return dim;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    int[] shape = in[0].shape().toArray();
    sizes = new int[in.length];
    shape[dim] = 0;
    for (int i = 0; i < in.length; i++) {
      sizes[i] = in[i].dim(dim);
      shape[dim] = Math.addExact(shape[dim], sizes[i]);
    }
    Tensor out = in[0].emptyLike(shape);
    Runs runs = Runs.along(dim, shape);
    long stride = runs.elements(shape[dim]);
    long start = 0;
    for (Tensor t : in) {
      int run = runs.length(t.dim(dim));
      backend(out).elementwise().copyBlocks(t, 0, run, out, start, stride, run, runs.outer());
      start += run;
    }
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    int[] shape = gradOut.shape().toArray();
    Runs runs = Runs.along(dim, shape);
    long stride = runs.elements(shape[dim]);
    long start = 0;
    for (int i = 0; i < sizes.length; i++) {
      int run = runs.length(sizes[i]);
      if (g.needed(i)) {
        shape[dim] = sizes[i];
        Tensor part = gradOut.emptyLike(shape);
        backend(gradOut)
            .elementwise()
            .copyBlocks(gradOut, start, stride, part, 0, run, run, runs.outer());
        g.set(i, part);
      }
      start += run;
    }
  }
}
