package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/** Tokens [B, H·W, C] seen as a map [B, H, W, C]. No data moves. */
public final class TokensToMapFunction extends Function {
  private final int height;
  private final int width;

  public TokensToMapFunction(int height, int width) {
    this.height = height;
    this.width = width;
  }

  @Override
  public Op op() {
    return Op.TOKENS_TO_MAP;
  }

  public int height() {
    return height;
  }

  public int width() {
    return width;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    return in[0].reshape(in[0].dim(0), height, width, in[0].dim(2));
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut.reshape(gradOut.dim(0), height * width, gradOut.dim(3)));
  }
}
