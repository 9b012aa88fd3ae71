package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * Two 3×3 convolutions with stride 1 and padding 1, the second without bias, as one operation: what
 * lies between them is not kept. Inputs: x [B, H, W, I], w1 [M, I, 3, 3], b1 [M] or null, w2 [O, M,
 * 3, 3].
 */
public final class Conv2dPairFunction extends Function {
  @Override
  public Op op() {
    return Op.CONV2D_PAIR;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    Tensor out = x.emptyLike(x.dim(0), x.dim(1), x.dim(2), in[3].dim(0));
    backend(x).convolution().conv2dPair(x, in[1], in[2], in[3], out);
    forget(in[1], in[3]);
    save(x, in[1], in[2], in[3]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor x = saved(0);
    Tensor w1 = saved(1);
    Tensor b1 = saved(2);
    Tensor w2 = saved(3);
    Tensor gradW1 = w1.emptyLike();
    Tensor gradW2 = w2.emptyLike();
    Tensor gradB1 = b1 == null ? null : b1.emptyLike();
    Tensor gradX = g.allocate(0, x);
    backend(x)
        .convolution()
        .conv2dPairBackward(gradOut, x, w1, b1, w2, gradX, gradW1, gradB1, gradW2);
    forget(w1, w2);
    g.set(1, gradW1);
    if (gradB1 != null) {
      g.set(2, gradB1);
    }
    g.set(3, gradW2);
  }

  /** Gives up packed copies of weights that the next step changes. */
  private void forget(Tensor w1, Tensor w2) {
    if (trains(1)) {
      backend(w1).forgetWeight(w1);
    }
    if (trains(3)) {
      backend(w2).forgetWeight(w2);
    }
  }
}
