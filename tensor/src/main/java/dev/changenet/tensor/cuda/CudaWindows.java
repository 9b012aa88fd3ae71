package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;

/** Gathers the windows of a convolution into the rows of a matrix, and sums them back. */
final class CudaWindows {
  private static final int THREADS = 256;

  private final CudaDevice device;

  CudaWindows(CudaDevice device) {
    this.device = device;
  }

  /**
   * Windows of samples {@code first} … of {@code x}.
   *
   * @param x [B, H, W, C]
   * @param map any tensor [B, H', W', …] of the convolution's output size
   * @param columns [count·H'·W', kh·kw·C], written
   */
  void im2col(
      Tensor x, int first, int count, int kh, int kw, ConvGeometry g, Tensor map, Tensor columns) {
    CudaLaunch launch = device.launch("im2col", "im2col_" + CudaDevice.suffix(x.dtype()));
    launch.tensor(x).tensor(columns);
    run(launch, x, first, count, kh, kw, g, map, (long) count * map.dim(1) * map.dim(2));
  }

  /**
   * Adds up the windows: x[b, y, z] = sum of the columns that were gathered from there.
   *
   * @param columns [count·H'·W', kh·kw·C]
   * @param map any tensor [B, H', W', …] of the convolution's output size
   * @param x [B, H, W, C], samples {@code first} … written
   */
  void col2im(
      Tensor columns, int first, int count, int kh, int kw, ConvGeometry g, Tensor map, Tensor x) {
    CudaLaunch launch = device.launch("im2col", "col2im_" + CudaDevice.suffix(x.dtype()));
    launch.tensor(columns).tensor(x);
    run(launch, x, first, count, kh, kw, g, map, (long) count * x.dim(1) * x.dim(2));
  }

  private static void run(
      CudaLaunch launch,
      Tensor x,
      int first,
      int count,
      int kh,
      int kw,
      ConvGeometry g,
      Tensor map,
      long pixels) {
    int channels = x.dim(3);
    int pack = 16 / x.dtype().bytes();
    long threads = pixels * (channels % pack == 0 ? channels / pack : channels);
    launch
        .i32(first)
        .i32(count)
        .i32(x.dim(1))
        .i32(x.dim(2))
        .i32(channels)
        .i32(map.dim(1))
        .i32(map.dim(2))
        .i32(kh)
        .i32(kw)
        .i32(g.stride())
        .i32(g.padding())
        .run((int) Math.min((threads + THREADS - 1) / THREADS, 1 << 20), 1, 1, THREADS, 0);
  }
}
