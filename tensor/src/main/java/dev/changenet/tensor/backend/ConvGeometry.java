package dev.changenet.tensor.backend;

/**
 * Stride, zero padding and groups of a 2-d convolution, the same for both axes.
 *
 * @param groups 1, or the number of channels (depthwise)
 */
public record ConvGeometry(int stride, int padding, int groups) {
  /** Output size of a convolution along one axis. */
  public int outSize(int in, int kernel) {
    return (in + 2 * padding - kernel) / stride + 1;
  }

  /** Output size of a transposed convolution along one axis. */
  public int transposedOutSize(int in, int kernel) {
    return (in - 1) * stride - 2 * padding + kernel;
  }
}
