package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * Bilinear, corner-aligned reads of a table [Ht, Wt, C] at positions [B, N, 2] in 0 … 1, times keep
 * [B]. Positions and keep get no gradient.
 */
public final class SampleTableFunction extends Function {
  private int[] tableShape;

  @Override
  public Op op() {
    return Op.SAMPLE_TABLE;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    tableShape = in[0].shape().toArray();
    Tensor out = in[0].emptyLike(in[1].dim(0), in[1].dim(1), tableShape[2]);
    backend(out).sampling().sampleTable(in[0], in[1], in[2], out);
    save(in[1], in[2]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradTable = gradOut.emptyLike(tableShape);
    backend(gradOut).sampling().sampleTableBackward(gradOut, saved(0), saved(1), gradTable);
    g.set(0, gradTable);
  }
}
