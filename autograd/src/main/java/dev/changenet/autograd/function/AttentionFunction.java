package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention.Heads;

/**
 * softmax(scale·q·kᵀ)·v per head. Inputs: q [B, Nq, Rq], k [B, Nk, Rk], v [B, Nk, Rv]. They may be
 * packed in one tensor, their columns chosen by offsets: a null v is in k's, a null k in q's.
 */
public final class AttentionFunction extends Function {
  private final int channels;
  private final int heads;
  private final int queryOffset;
  private final int keyOffset;
  private final int valueOffset;

  /**
   * @param channels C, width of q's used columns and of the output
   * @param queryOffset first column of q
   * @param keyOffset first column of k
   * @param valueOffset first column of v
   */
  public AttentionFunction(
      int channels, int heads, int queryOffset, int keyOffset, int valueOffset) {
    this.channels = channels;
    this.heads = heads;
    this.queryOffset = queryOffset;
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

  public int queryOffset() {
    return queryOffset;
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
    Tensor k = in[1] == null ? q : in[1];
    Tensor v = in[2] == null ? k : in[2];
    Tensor out = q.emptyLike(q.dim(0), q.dim(1), channels);
    Tensor lse = q.emptyStatistics(q.dim(0), heads, q.dim(1));
    backend(q)
        .attention()
        .attention(
            new Heads(q, queryOffset),
            new Heads(k, keyOffset),
            new Heads(v, valueOffset),
            heads,
            scale(),
            out,
            lse);
    save(q, in[1], in[2], out, lse);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor q = saved(0);
    Tensor k = saved(1) == null ? q : saved(1);
    Tensor v = saved(2) == null ? k : saved(2);
    Tensor gradQ = q.emptyLike();
    Tensor gradK = saved(1) == null ? gradQ : k.emptyLike();
    Tensor gradV = saved(2) == null ? gradK : v.emptyLike();
    backend(q)
        .attention()
        .attentionBackward(
            gradOut,
            new Heads(q, queryOffset),
            new Heads(k, keyOffset),
            new Heads(v, valueOffset),
            heads,
            scale(),
            saved(3),
            saved(4),
            new Heads(gradQ, queryOffset),
            new Heads(gradK, keyOffset),
            new Heads(gradV, valueOffset));
    g.set(0, gradQ);
    if (saved(1) != null) {
      g.set(1, gradK);
    }
    if (saved(2) != null) {
      g.set(2, gradV);
    }
  }
}
