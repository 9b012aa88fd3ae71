package dev.changenet.tensor.cpu;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;

/**
 * Sizes of a convolution from a large map [batch, h, w, c] to a small one [batch, oh, ow, o] with
 * weight [o, c, kh, kw]. A transposed convolution is the same pair of maps walked the other way.
 */
record ConvSizes(
    int batch,
    int h,
    int w,
    int c,
    int oh,
    int ow,
    int o,
    int kh,
    int kw,
    int stride,
    int padding) {
  static ConvSizes of(Tensor large, Tensor small, Tensor weight, ConvGeometry g) {
    return new ConvSizes(
        large.dim(0),
        large.dim(1),
        large.dim(2),
        large.dim(3),
        small.dim(1),
        small.dim(2),
        small.dim(3),
        weight.dim(2),
        weight.dim(3),
        g.stride(),
        g.padding());
  }

  int taps() {
    return kh * kw;
  }

  /** These sizes with another number of output channels. */
  ConvSizes withOutputs(int outputs) {
    return new ConvSizes(batch, h, w, c, oh, ow, outputs, kh, kw, stride, padding);
  }

  /** True when every output pixel is a linear function of the input pixel at the same place. */
  boolean pointwise() {
    return kh == 1 && kw == 1 && stride == 1 && padding == 0;
  }
}
