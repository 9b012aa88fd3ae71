package dev.changenet.tensor.backend;

import dev.changenet.tensor.Tensor;

/** Copies, sums and pointwise functions. Where a tensor may be {@code out} itself it is said. */
public interface Elementwise {
  /** x = value. Any dtype. */
  void fill(Tensor x, double value);

  /** out = x for the same number of elements and dtype. */
  void copy(Tensor x, Tensor out);

  /** out = x rounded to out's floating type; the same number of elements. */
  void cast(Tensor x, Tensor out);

  /** out = a + alpha·b, same shape; {@code out} may be {@code a} or {@code b}. */
  void add(Tensor a, Tensor b, float alpha, Tensor out);

  /** out[r, i] = a[r, i] + b[i]: b, of n elements, is repeated; a has r·n. out may be a. */
  void addRepeated(Tensor a, Tensor b, Tensor out);

  /** out[i] = sum over r of x[r, i]: the gradient of a repetition; out has n elements, x r·n. */
  void sumLeading(Tensor x, Tensor out);

  /** out = alpha·x; out may be x. */
  void scale(Tensor x, float alpha, Tensor out);

  /** out = factor·x for a factor [1] on the device; out may be x. */
  void scaleBy(Tensor x, Tensor factor, Tensor out);

  /** out = f(x); out may be x. */
  void activation(Activation f, Tensor x, Tensor out);

  /**
   * gradX = gradOut · f'(x); gradX may be gradOut. For RELU {@code x} may be the output instead of
   * the input.
   */
  void activationBackward(Activation f, Tensor x, Tensor gradOut, Tensor gradX);

  /**
   * Gated activation: out[…, i] = silu(x[…, i])·x[…, F + i].
   *
   * @param x [M…, 2F], gates first
   * @param out [M…, F]
   */
  void swiglu(Tensor x, Tensor out);

  /** gradX [M…, 2F] of {@link #swiglu}. */
  void swigluBackward(Tensor x, Tensor gradOut, Tensor gradX);

  /** out[b, …, c] = x[b, …, c] + y[b, c] for x [B, …, C] and y [B, C]; out may be x. */
  void addPerSample(Tensor x, Tensor y, Tensor out);

  /** out [B, C] = sums of x [B, …, C] over all but the first and last dimension. */
  void sumPerSample(Tensor x, Tensor out);

  /**
   * Layer-scaled residual: out[b, i, c] = x[b, i, c] + s[b]·gamma[c]·y[b, i, c].
   *
   * @param x [B, …, C]
   * @param y [B, …, C]
   * @param gamma [C], or null for 1
   * @param sampleScale one factor per sample (drop path), or null for 1
   */
  void residual(Tensor x, Tensor y, Tensor gamma, float[] sampleScale, Tensor out);

  /**
   * Gradients of {@link #residual} by y and gamma (that by x is gradOut itself).
   *
   * @param gradY [B, …, C] or null
   * @param gradGamma [C] or null
   */
  void residualBackward(
      Tensor gradOut, Tensor y, Tensor gamma, float[] sampleScale, Tensor gradY, Tensor gradGamma);

  /**
   * Copies {@code blocks} runs of {@code length} elements: dst[dstStart + i·dstStride …] =
   * src[srcStart + i·srcStride …]. Concatenation and narrowing along any dimension are made of it.
   */
  void copyBlocks(
      Tensor src,
      long srcStart,
      long srcStride,
      Tensor dst,
      long dstStart,
      long dstStride,
      int length,
      int blocks);

  /** out[b, j, i] = x[b, i, j] for x of b·rows·cols elements: NCHW ↔ NHWC. */
  void transpose(Tensor x, int batch, int rows, int cols, Tensor out);
}
