package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Layer norm over the last dimension. Inputs: x [M…, C], w [C], b [C]. */
public final class LayerNormFunction extends Function {
  private final double eps;
  private final boolean unbiased;

  /**
   * @param unbiased divide the variance by C − 1 instead of C (ConvNeXt norms after the stem's)
   */
  public LayerNormFunction(double eps, boolean unbiased) {
    this.eps = eps;
    this.unbiased = unbiased;
  }

  @Override
  public Op op() {
    return Op.LAYER_NORM;
  }

  public double eps() {
    return eps;
  }

  public boolean unbiased() {
    return unbiased;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Tensor out = x.emptyLike();
    Tensor mean = x.emptyStatistics(x.rows());
    Tensor rstd = x.emptyStatistics(x.rows());
    backend(x).normalization().layerNorm(x, in[1], in[2], eps, unbiased, out, mean, rstd);
    save(x, in[1], mean, rstd);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w = saved(1);
    Tensor gradX = g.allocate(0, x);
    Tensor gradW = g.allocate(1, w);
    Tensor gradB = g.allocate(2, w);
    backend(x)
        .normalization()
        .layerNormBackward(gradOut, x, w, saved(2), saved(3), unbiased, gradX, gradW, gradB);
  }
}
