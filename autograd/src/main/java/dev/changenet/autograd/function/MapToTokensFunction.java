package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * A map [B, H, W, C] seen as tokens [B, H·W, C]; token n is pixel (n div W, n mod W). No data
 * moves.
 */
public final class MapToTokensFunction extends Function {
  private int[] inShape;

  @Override
  public Op op() {
    return Op.MAP_TO_TOKENS;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    inShape = in[0].shape().toArray();
    return in[0].reshape(inShape[0], inShape[1] * inShape[2], inShape[3]);
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    g.set(0, gradOut.reshape(inShape));
  }
}
