package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;

/** Transposed convolution with bias. Inputs: x [B, H, W, I], w [I, O, kh, kw], b [O] or null. */
public final class ConvTranspose2dFunction extends Function {
  private final ConvGeometry geometry;

  public ConvTranspose2dFunction(ConvGeometry geometry) {
    this.geometry = geometry;
  }

  @Override
  public Op op() {
    return Op.CONV_TRANSPOSE2D;
  }

  public ConvGeometry geometry() {
    return geometry;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor out =
        x.emptyLike(
            x.dim(0),
            geometry.transposedOutSize(x.dim(1), w.dim(2)),
            geometry.transposedOutSize(x.dim(2), w.dim(3)),
            w.dim(1));
    backend(x).convolution().convTranspose2d(x, w, in[2], geometry, out);
    if (trains(1)) {
      backend(x).forgetWeight(w);
    }
    save(x, w, in[2]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w = saved(1);
    boolean bias = saved(2) != null && g.needed(2);
    if (g.needed(1) || bias) {
      Tensor gradW = w.emptyLike();
      Tensor gradB = bias ? g.allocate(2, saved(2)) : null;
      backend(x).convolution().convTranspose2dBackwardWeight(gradOut, x, geometry, gradW, gradB);
      g.set(1, gradW);
    }
    Tensor gradX = g.allocate(0, x);
    if (gradX != null) {
      backend(x).convolution().convTranspose2dBackwardInput(gradOut, w, geometry, gradX);
      if (g.needed(1)) {
        backend(x).forgetWeight(w);
      }
    }
  }
}
