package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry;

/** Resizes a map [B, H, W, C] to [B, height, width, C]. */
public final class ResizeFunction extends Function {
  private final ResizeGeometry geometry;
  private final int height;
  private final int width;
  private int[] inShape;

  public ResizeFunction(ResizeGeometry geometry, int height, int width) {
    this.geometry = geometry;
    this.height = height;
    this.width = width;
  }

  @Override
  public Op op() {
    return Op.RESIZE;
  }

  public ResizeGeometry geometry() {
    return geometry;
  }

  public int height() {
    return height;
  }

  public int width() {
    return width;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    inShape = in[0].shape().toArray();
    Tensor out = in[0].emptyLike(inShape[0], height, width, inShape[3]);
    backend(out).resample().resize(in[0], geometry, out);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradX = gradOut.emptyLike(inShape);
    backend(gradOut).resample().resizeBackward(gradOut, geometry, gradX);
    g.set(0, gradX);
  }
}
