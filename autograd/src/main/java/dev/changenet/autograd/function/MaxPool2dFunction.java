package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;

/** Maximum over square windows of a map [B, H, W, C]. */
public final class MaxPool2dFunction extends Function {
  private final int kernel;
  private final int stride;
  private final int padding;
  private int[] inShape;

  public MaxPool2dFunction(int kernel, int stride, int padding) {
    this.kernel = kernel;
    this.stride = stride;
    this.padding = padding;
  }

  @Override
  public Op op() {
    return Op.MAX_POOL2D;
  }

  public int kernel() {
    return kernel;
  }

  public int stride() {
    return stride;
  }

  public int padding() {
    return padding;
  }

  private int outSize(int in) {
    return (in + 2 * padding - kernel) / stride + 1;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor x = in[0];
    inShape = x.shape().toArray();
    Tensor out = x.emptyLike(inShape[0], outSize(inShape[1]), outSize(inShape[2]), inShape[3]);
    Tensor argmax = Tensor.empty(out.shape(), DType.INT32, x.device());
    backend(x).resample().maxPool2d(x, kernel, stride, padding, out, argmax);
    save(argmax);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = gradOut.emptyLike(inShape);
    backend(gradOut)
        .resample()
        .maxPool2dBackward(gradOut, saved(0), kernel, stride, padding, gradX);
    g.set(0, gradX);
  }
}
