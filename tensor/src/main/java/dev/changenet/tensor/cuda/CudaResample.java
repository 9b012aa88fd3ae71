package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;
import java.util.Locale;

/** Resizing and pooling; every output element is one thread's sum. */
final class CudaResample implements Resample {
  private static final String FAMILY = "resample";
  private static final int THREADS = CudaCut.THREADS;

  private final CudaDevice device;

  CudaResample(CudaDevice device) {
    this.device = device;
  }

  private static int pack(int channels, DType dtype) {
    return channels % CudaCut.pack(dtype) == 0 ? CudaCut.pack(dtype) : 1;
  }

  @Override
  public void resize(Tensor x, ResizeGeometry geometry, Tensor out) {
    resize("resize_", x, out, x, out, geometry, 4 * THREADS);
  }

  @Override
  public void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX) {
    resize("resize_backward_", gradOut, gradX, gradX, gradOut, geometry, THREADS);
  }

  /**
   * Writes {@code to} from {@code from} in segments of its rows.
   *
   * @param map input of the forward pass, or its gradient
   * @param resized output of the forward pass, or its gradient
   * @param most packs of a segment
   */
  private void resize(
      String kernel,
      Tensor from,
      Tensor to,
      Tensor map,
      Tensor resized,
      ResizeGeometry g,
      int most) {
    if (to.elements() == 0) {
      return;
    }
    int c = to.dim(3);
    int packs = Math.multiplyExact(to.dim(2), c / pack(c, to.dtype()));
    int segment = CudaCut.ceilDiv(packs, CudaCut.ceilDiv(packs, most));
    int segments = CudaCut.ceilDiv(packs, segment);
    String mode = g.mode().name().toLowerCase(Locale.ROOT);
    boolean corners = g.alignCorners() && g.mode() != ResizeGeometry.Mode.NEAREST;
    device
        .launch(FAMILY, kernel + mode + "_" + CudaDevice.suffix(to.dtype()))
        .tensor(from)
        .tensor(to)
        .i32(map.dim(1))
        .i32(map.dim(2))
        .i32(c)
        .i32(resized.dim(1))
        .i32(resized.dim(2))
        .i32(corners ? 1 : 0)
        .f64(corners ? cornerScale(map.dim(1), resized.dim(1)) : g.scaleH())
        .f64(corners ? cornerScale(map.dim(2), resized.dim(2)) : g.scaleW())
        .i32(segments)
        .i32(segment)
        .run(
            Math.multiplyExact(Math.multiplyExact(to.dim(0), to.dim(1)), segments),
            1,
            1,
            THREADS,
            0);
  }

  private static double cornerScale(int in, int out) {
    return out == 1 ? 0 : (in - 1.0) / (out - 1.0);
  }

  @Override
  public void maxPool2d(Tensor x, int kernel, int stride, int padding, Tensor out, Tensor argmax) {
    pool(launch("max_pool2d", x).tensor(x).tensor(out).tensor(argmax), x, out, out)
        .run(kernel, stride, padding);
  }

  @Override
  public void maxPool2dBackward(
      Tensor gradOut, Tensor argmax, int kernel, int stride, int padding, Tensor gradX) {
    pool(
            launch("max_pool2d_backward", gradX).tensor(gradOut).tensor(argmax).tensor(gradX),
            gradX,
            gradOut,
            gradX)
        .run(kernel, stride, padding);
  }

  private CudaLaunch launch(String kernel, Tensor x) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(x.dtype()));
  }

  private interface Pool {
    void run(int kernel, int stride, int padding);
  }

  /** Adds the arguments of a pooling kernel with a thread for each pack of {@code target}. */
  private Pool pool(CudaLaunch launch, Tensor map, Tensor pooled, Tensor target) {
    int c = map.dim(3);
    return (kernel, stride, padding) -> {
      launch
          .i32(map.dim(0))
          .i32(map.dim(1))
          .i32(map.dim(2))
          .i32(c)
          .i32(pooled.dim(1))
          .i32(pooled.dim(2))
          .i32(kernel)
          .i32(stride)
          .i32(padding)
          .run(
              CudaElementwise.blocks(device, target.elements(), pack(c, map.dtype())),
              1,
              1,
              THREADS,
              0);
    };
  }
}
