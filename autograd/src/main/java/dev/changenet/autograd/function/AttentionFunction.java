package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention.Heads;

/**
 * softmax(scale·q·kᵀ)·v per head. Inputs: q [B, Nq, Rq], k [B, Nk, Rk], v [B, Nk, Rv]; k and v may
 * be the same packed tensor (given once, v null), its columns chosen by offsets.
 */
public final class AttentionFunction extends Function {
  private final int channels;
  private final int heads;
  private final int keyOffset;
  private final int valueOffset;

  /**
   * @param channels C, width of q's used columns and of the output
   * @param keyOffset first column of k
   * @param valueOffset first column of v
   */
  public AttentionFunction(int channels, int heads, int keyOffset, int valueOffset) {
    this.channels = channels;
    this.heads = heads;
    this.keyOffset = keyOffset;
    this.valueOffset = valueOffset;
  }

  @Override
  public Op op() {
    return Op.ATTENTION;
  }

  public int channels() {
    return channels;
  }

  public int heads() {
    return heads;
  }

  public int keyOffset() {
    return keyOffset;
  }

  public int valueOffset() {
    return valueOffset;
  }

  /** Factor on the scores, d^-0.5. */
  public float scale() {
    return (float) (1 / Math.sqrt((double) channels / heads));
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor q = in[0];
    Tensor k = in[1];
    Tensor v = in[2] == null ? k : in[2];
    Tensor out = q.emptyLike(q.dim(0), q.dim(1), channels);
    Tensor lse = q.emptyStatistics(q.dim(0), heads, q.dim(1));
    backend(q)
        .attention()
        .attention(
            new Heads(q, 0),
            new Heads(k, keyOffset),
            new Heads(v, valueOffset),
            heads,
            scale(),
            out,
            lse);
    save(q, k, in[2], out, lse);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor q = saved(0);
    Tensor k = saved(1);
    boolean packed = saved(2) == null;
    Tensor v = packed ? k : saved(2);
    Tensor gradQ = q.emptyLike();
    Tensor gradK = k.emptyLike();
    Tensor gradV = packed ? gradK : v.emptyLike();
    backend(q)
        .attention()
        .attentionBackward(
            gradOut,
            new Heads(q, 0),
            new Heads(k, keyOffset),
            new Heads(v, valueOffset),
            heads,
            scale(),
            saved(3),
            saved(4),
            new Heads(gradQ, 0),
            new Heads(gradK, keyOffset),
            new Heads(gradV, valueOffset));
    g.set(0, gradQ);
    g.set(1, gradK);
    if (!packed) {
      g.set(2, gradV);
    }
  }
}
