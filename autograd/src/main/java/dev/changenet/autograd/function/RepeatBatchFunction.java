package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * One sample [1, …] repeated to [batch, …]. Inputs: x, and any tensor whose first dimension is the
 * batch size (so that exported graphs follow a dynamic batch).
 */
public final class RepeatBatchFunction extends Function {
  @Override
  public Op op() {
    return Op.REPEAT_BATCH;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    int[] shape = in[0].shape().toArray();
    shape[0] = in[1].dim(0);
    Tensor out = in[0].emptyLike(shape);
    int n = Math.toIntExact(in[0].elements());
    backend(out).elementwise().copyBlocks(in[0], 0, 0, out, 0, n, n, shape[0]);
    save(in[0]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = g.allocate(0, saved(0));
    if (gradX != null) {
      backend(gradOut).elementwise().sumLeading(gradOut, gradX);
    }
  }
}
