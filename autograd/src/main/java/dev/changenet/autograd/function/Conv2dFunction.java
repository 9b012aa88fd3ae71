package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.ConvGeometry;

/**
 * Convolution, bias and optional ReLU in one. Inputs: x [B, H, W, I], w [O, I/groups, kh, kw], b
 * [O] or null.
 */
public final class Conv2dFunction extends Function {
  private final ConvGeometry geometry;
  private final boolean relu;

  public Conv2dFunction(ConvGeometry geometry, boolean relu) {
    this.geometry = geometry;
    this.relu = relu;
  }

  @Override
  public Op op() {
    return Op.CONV2D;
  }

  public ConvGeometry geometry() {
    return geometry;
  }

  /** True when a ReLU follows the bias. */
  public boolean relu() {
    return relu;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor out =
        x.emptyLike(
            x.dim(0),
            geometry.outSize(x.dim(1), w.dim(2)),
            geometry.outSize(x.dim(2), w.dim(3)),
            w.dim(0));
    backend(x).convolution().conv2d(x, w, in[2], geometry, relu, out);
    if (trains(1)) {
      backend(x).forgetWeight(w);
    }
    save(x, w, in[2], relu ? out : null);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w = saved(1);
    Tensor out = saved(3);
    Tensor grad = gradOut;
    if (out != null) {
      grad = gradOut.exclusive() ? gradOut : gradOut.emptyLike();
      backend(x).elementwise().activationBackward(Activation.RELU, out, gradOut, grad);
    }
    boolean bias = saved(2) != null && g.needed(2);
    if (g.needed(1) || bias) {
      Tensor gradW = w.emptyLike();
      Tensor gradB = bias ? g.allocate(2, saved(2)) : null;
      backend(x).convolution().conv2dBackwardWeight(grad, x, geometry, gradW, gradB);
      g.set(1, gradW);
    }
    Tensor gradX = g.allocate(0, x);
    if (gradX != null) {
      backend(x).convolution().conv2dBackwardInput(grad, w, geometry, gradX);
      if (g.needed(1)) {
        backend(x).forgetWeight(w);
      }
    }
  }
}
