package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;

/**
 * Convolutions as matrix products: the columns of a channels-last map and their sum back. Columns
 * are [samples·H'·W', kh·kw·C], as weights [O, kh, kw, C] are.
 */
final class CudaIm2col {
  private static final int THREADS = CudaCut.THREADS;

  private final CudaDevice device;

  CudaIm2col(CudaDevice device) {
    this.device = device;
  }

  /**
   * A convolution's window.
   *
   * @param outHeight H'
   * @param outWidth W'
   */
  record Window(
      int kernelHeight, int kernelWidth, int stride, int padding, int outHeight, int outWidth) {
    int taps() {
      return kernelHeight * kernelWidth;
    }

    int pixels() {
      return outHeight * outWidth;
    }
  }

  /**
   * col [samples·H'·W', kh·kw·C] of samples {@code first} … {@code first + samples − 1} of x.
   *
   * @param x [B, H, W, C]
   * @param col of at least that size
   */
  void im2col(Tensor x, int first, int samples, Window window, Tensor col) {
    long threads = (long) samples * window.pixels() * x.dim(3);
    run("im2col_", x, col, x, first, samples, window, threads);
  }

  /** The same samples of x = for every pixel the sum of its columns; others are left alone. */
  void col2im(Tensor col, int first, int samples, Window window, Tensor x) {
    long threads = (long) samples * x.dim(1) * x.dim(2) * x.dim(3);
    run("col2im_", col, x, x, first, samples, window, threads);
  }

  private void run(
      String kernel,
      Tensor from,
      Tensor to,
      Tensor x,
      int first,
      int samples,
      Window window,
      long elements) {
    int c = x.dim(3);
    int pack = CudaCut.pack(x.dtype());
    device
        .launch("im2col", kernel + CudaDevice.suffix(x.dtype()))
        .tensor(from)
        .tensor(to)
        .i32(first)
        .i32(samples)
        .i32(x.dim(1))
        .i32(x.dim(2))
        .i32(c)
        .i32(window.outHeight)
        .i32(window.outWidth)
        .i32(window.kernelHeight)
        .i32(window.kernelWidth)
        .i32(window.stride)
        .i32(window.padding)
        .run(CudaElementwise.blocks(device, elements, c % pack == 0 ? pack : 1), 1, 1, THREADS, 0);
  }
}
