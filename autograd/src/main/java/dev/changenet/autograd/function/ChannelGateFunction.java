package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;

/**
 * FAN's token-channel gate. Inputs: q [B, N, C], x [B, N, C], v [B, N, C], temperature [heads, 1,
 * 1].
 */
public final class ChannelGateFunction extends Function {
  private final int heads;

  public ChannelGateFunction(int heads) {
    this.heads = heads;
  }

  @Override
  public Op op() {
    return Op.CHANNEL_GATE;
  }

  public int heads() {
    return heads;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor q = in[0];
    Tensor out = q.emptyLike();
    Tensor sigmoid = q.emptyStatistics(q.dim(0), q.dim(2));
    backend(q).attention().channelGate(q, in[1], in[2], in[3], heads, out, sigmoid);
    save(q, in[1], in[2], in[3], sigmoid);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor q = saved(0);
    Tensor gradQ = q.emptyLike();
    Tensor gradX = q.emptyLike();
    Tensor gradV = q.emptyLike();
    Tensor gradTemperature = saved(3).emptyLike();
    backend(q)
        .attention()
        .channelGateBackward(
            gradOut,
            q,
            saved(1),
            saved(2),
            saved(3),
            heads,
            saved(4),
            gradQ,
            gradX,
            gradV,
            gradTemperature);
    g.set(0, gradQ);
    g.set(1, gradX);
    g.set(2, gradV);
    g.set(3, gradTemperature);
  }
}
