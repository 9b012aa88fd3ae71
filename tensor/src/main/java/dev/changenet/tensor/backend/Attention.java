package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Token attention and the channel gate of the FAN blocks; softmax. */
public interface Attention {
  /**
   * The heads of q, k or v inside a tensor [B, N, R]: head h of width d is columns offset + h·d …,
   * so packed projections need no copies.
   */
  record Heads(Tensor tensor, int offset) {}

  /**
   * out = softmax(scale·q·kᵀ)·v for every head, heads concatenated.
   *
   * @param q of [B, Nq, R]
   * @param k of [B, Nk, R]
   * @param v of [B, Nk, R]
   * @param out [B, Nq, C], d = C / heads
   * @param lse [B, heads, Nq], written: log of the sum of exponentials of each row
   */
  void attention(Heads q, Heads k, Heads v, int heads, float scale, Tensor out, Tensor lse);

  /** Gradients of {@link #attention}, written at the same columns of the gradient tensors. */
  void attentionBackward(
      Tensor gradOut,
      Heads q,
      Heads k,
      Heads v,
      int heads,
      float scale,
      Tensor out,
      Tensor lse,
      Heads gradQ,
      Heads gradK,
      Heads gradV);

  /**
   * FAN channel gate: out[n, j] = temperature[head(j)]·sigmoid(s[j])·v[n, j] with s[j] = Σₙ
   * softmaxₙ(q)[n, j]·mean over head(j) of softmaxₙ(x)[n, ·]. Both softmaxes run over the tokens.
   *
   * @param q [B, N, C]
   * @param x [B, N, C]
   * @param v [B, N, C]
   * @param temperature [heads] (any shape of that many elements)
   * @param out [B, N, C]
   * @param sigmoid [B, C], written: sigmoid(s), needed by the backward pass
   */
  void channelGate(
      Tensor q, Tensor x, Tensor v, Tensor temperature, int heads, Tensor out, Tensor sigmoid);

  /** Gradients of {@link #channelGate}; all four results are computed. */
  void channelGateBackward(
      Tensor gradOut,
      Tensor q,
      Tensor x,
      Tensor v,
      Tensor temperature,
      int heads,
      Tensor sigmoid,
      Tensor gradQ,
      Tensor gradX,
      Tensor gradV,
      Tensor gradTemperature);

  /** Softmax over the last dimension; out may be x. */
  void softmax(Tensor x, Tensor out);

  /** gradX from the softmax's output and gradOut; gradX may be gradOut. */
  void softmaxBackward(Tensor out, Tensor gradOut, Tensor gradX);
}
