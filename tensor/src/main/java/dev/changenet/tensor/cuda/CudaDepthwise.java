package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;

/** Convolutions with one group per channel; maps are [B, H, W, C], weights [C, 1, kh, kw]. */
final class CudaDepthwise {
  private static final String FAMILY = "depthwise";
  private static final int THREADS = 256;

  /** Channels and strips of a block of the strip kernels, as in the source. */
  private static final int CHANNELS = 64;

  private static final int STRIPS = 8;

  /**
   * Blocks of the first stage of a weight gradient; fixed, so that sums don't depend on the GPU.
   */
  private static final int WEIGHT_BLOCKS = 512;

  private final CudaDevice device;

  CudaDepthwise(CudaDevice device) {
    this.device = device;
  }

  private static void requireDepthwise(Tensor x, Tensor w, ConvGeometry g) {
    if (g.groups() != x.dim(3) || w.dim(0) != x.dim(3) || w.dim(1) != 1) {
      throw new IllegalArgumentException(
          "convolution with "
              + g.groups()
              + " groups, input "
              + x.shape()
              + " and weight "
              + w.shape()
              + ": the GPU has kernels for 1 group and for one group per channel");
    }
  }

  /** True when the kernels that compute strips of pixels do: 3×3 or 7×7, stride 1. */
  private static boolean strips(Tensor w, ConvGeometry g) {
    int k = w.dim(2);
    return (k == 3 || k == 7)
        && w.dim(3) == k
        && g.stride() == 1
        && 2 * g.padding() < k
        && w.dim(0) % 4 == 0;
  }

  private static int blocks(int n, int each) {
    return (n + each - 1) / each;
  }

  private CudaLaunch launch(String kernel, Tensor map) {
    return device.launch(FAMILY, kernel + "_" + CudaDevice.suffix(map.dtype()));
  }

  /** out [B, H', W', C] = x [B, H, W, C] * w + b, b may be null. */
  void forward(Tensor x, Tensor w, Tensor b, ConvGeometry g, boolean relu, Tensor out) {
    requireDepthwise(x, w, g);
    if (strips(w, g)) {
      runStrips(x, w, b, g.padding(), false, relu, out);
      return;
    }
    maps(launch("depthwise_any", x).tensor(x).tensor(w).tensor(b).tensor(out), x, out)
        .i32(w.dim(2))
        .i32(w.dim(3))
        .i32(g.stride())
        .i32(g.padding())
        .i32(relu ? 1 : 0)
        .i64(out.elements())
        .run(CudaGrid.blocks(device, out.elements(), THREADS), 1, 1, THREADS, 0);
  }

  /** gradX [B, H, W, C] from gradOut [B, H', W', C]. */
  void backwardInput(Tensor gradOut, Tensor w, ConvGeometry g, Tensor gradX) {
    requireDepthwise(gradX, w, g);
    if (strips(w, g)) {
      runStrips(gradOut, w, null, w.dim(2) - 1 - g.padding(), true, false, gradX);
      return;
    }
    maps(
            launch("depthwise_input_any", gradX).tensor(gradOut).tensor(w).tensor(gradX),
            gradX,
            gradOut)
        .i32(w.dim(2))
        .i32(w.dim(3))
        .i32(g.stride())
        .i32(g.padding())
        .i64(gradX.elements())
        .run(CudaGrid.blocks(device, gradX.elements(), THREADS), 1, 1, THREADS, 0);
  }

  private void runStrips(
      Tensor x, Tensor w, Tensor b, int padding, boolean flipped, boolean relu, Tensor out) {
    int k = w.dim(2);
    int strip = k == 3 ? 4 : 8;
    int strips = Math.multiplyExact(out.dim(0) * out.dim(1), blocks(out.dim(2), strip));
    CudaLaunch launch = launch("depthwise_k" + k, x).tensor(x).tensor(w).tensor(b).tensor(out);
    maps(launch, x, out)
        .i32(padding)
        .i32(flipped ? 1 : 0)
        .i32(relu ? 1 : 0)
        .i32(strips)
        // Two strips per thread: the block's weights are read once for both.
        .run(blocks(strips, 2 * STRIPS), blocks(x.dim(3), CHANNELS), 1, 16 * STRIPS, 0);
  }

  private static CudaLaunch maps(CudaLaunch launch, Tensor in, Tensor out) {
    return launch.i32(in.dim(1)).i32(in.dim(2)).i32(out.dim(1)).i32(out.dim(2)).i32(in.dim(3));
  }

  /** gradW [C, 1, kh, kw] and gradB [C], which may be null. */
  void backwardWeight(Tensor gradOut, Tensor x, ConvGeometry g, Tensor gradW, Tensor gradB) {
    requireDepthwise(x, gradW, g);
    boolean strips = strips(gradW, g);
    int k = gradW.dim(2);
    int channels = x.dim(3);
    int taps = k * gradW.dim(3);
    int rows = gradOut.dim(0) * gradOut.dim(1);
    int channelBlocks = blocks(channels, strips ? CHANNELS : 32);
    int wanted = Math.max(1, WEIGHT_BLOCKS / channelBlocks / (strips ? 1 : 4));
    int rowsPerPiece = Math.max(k == 3 ? 4 : 2, blocks(rows, wanted));
    int pieces = blocks(rows, rowsPerPiece);
    try (Tensor parts = device.scratch((long) pieces * channels * (taps + 1))) {
      String kernel = strips ? "depthwise_weight_k" + k : "depthwise_weight_any";
      CudaLaunch launch = launch(kernel, x).tensor(gradOut).tensor(x).tensor(parts);
      maps(launch.i32(rows).i32(rowsPerPiece), x, gradOut);
      if (strips) {
        launch.i32(g.padding()).run(pieces, channelBlocks, 1, k == 3 ? 192 : 224, 0);
      } else {
        launch
            .i32(k)
            .i32(gradW.dim(3))
            .i32(g.stride())
            .i32(g.padding())
            .run(pieces, channelBlocks, taps + 1, THREADS, 0);
      }
      device
          .launch(FAMILY, "depthwise_weight_sum_f32")
          .tensor(parts)
          .tensor(gradW)
          .tensor(gradB)
          .i32(pieces)
          .i32(channels)
          .i32(taps)
          .run(blocks(channels * (taps + 1), THREADS), 1, 1, THREADS, 0);
    }
  }
}
