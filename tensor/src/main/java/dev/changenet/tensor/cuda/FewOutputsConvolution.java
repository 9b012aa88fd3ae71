package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.cuda.CudaBlas.Matrix;

/**
 * Convolutions to few channels: a matrix product with one row per tap and output, and a sum of
 * shifted rows, so that the wide input is read once instead of once per tap.
 *
 * <p>Two 3×3 convolutions in a row, the second to few channels, are composed into one 5×5 (see
 * few.cu for what happens at the border).
 */
final class FewOutputsConvolution implements ConvolutionKernels {
  private static final String FAMILY = "few";
  private static final int THREADS = 256;

  /** Rows of a product of taps and outputs, at most. */
  private static final int MOST_ROWS = 128;

  private final CudaDevice device;
  private final CudaElementwise elementwise;
  private final CudaDense dense;

  FewOutputsConvolution(CudaDevice device, CudaElementwise elementwise, CudaDense dense) {
    this.device = device;
    this.elementwise = elementwise;
    this.dense = dense;
  }

  /**
   * True when a convolution with weights [O, I, k, k] is computed here: the size stays the same.
   */
  static boolean suits(Tensor w, ConvGeometry g) {
    int k = w.dim(2);
    return g.stride() == 1
        && k % 2 == 1
        && k == w.dim(3)
        && g.padding() == k / 2
        && w.dim(0) * k * k <= MOST_ROWS
        && w.dim(1) % 8 == 0
        && w.dim(1) > 2 * w.dim(0);
  }

  /** True for a pair whose composed convolution has few outputs. */
  static boolean suitsPair(Tensor w1, Tensor w2) {
    return w2.dim(0) * 25 <= MOST_ROWS && w1.dim(1) % 8 == 0 && w1.dim(0) % 8 == 0;
  }

  /**
   * Sizes of a product.
   *
   * @param rows taps times outputs, rounded up to 8
   * @param stride elements from row to row: pixels rounded up to 8
   */
  private record Sizes(
      int samples,
      int height,
      int width,
      int kernel,
      int outputs,
      int inputs,
      int rows,
      long stride) {
    static Sizes of(Tensor x, int kernel, int outputs) {
      return new Sizes(
          x.dim(0),
          x.dim(1),
          x.dim(2),
          kernel,
          outputs,
          x.dim(3),
          (kernel * kernel * outputs + 7) / 8 * 8,
          ((long) x.rows() + 7) / 8 * 8);
    }

    int pixels() {
      return samples * height * width;
    }

    int ring() {
      return 2 * (width + 2) + 2 * height;
    }

    int border() {
      return height < 3 || width < 3 ? height * width : 2 * width + 2 * (height - 2);
    }

    int ringRows() {
      return samples * ring();
    }
  }

  private static String of(String kernel, DType type) {
    return kernel + "_" + CudaDevice.suffix(type);
  }

  private int blocks(long threads) {
    return CudaGrid.blocks(device, threads, THREADS);
  }

  private Tensor scratch(DType type, long rows, long columns) {
    return device.scratch(type, rows * columns);
  }

  private Matrix matrix(Tensor t, int stride) {
    return Matrix.of(device.address(t), t.dtype(), stride);
  }

  private static int stride(Sizes s) {
    return Math.toIntExact(s.stride());
  }

  /** The weights as [rows, I] of {@code type}; the caller closes it. */
  private Tensor rows(Tensor w, Sizes s, DType type) {
    Tensor c = scratch(type, s.rows(), s.inputs());
    device
        .launch(FAMILY, of("few_weights", type))
        .tensor(w)
        .i32(s.outputs())
        .i32(s.inputs())
        .i32(s.kernel() * s.kernel())
        .i32(s.rows())
        .tensor(c)
        .run(blocks((long) s.rows() * s.inputs()), 1, 1, THREADS, 0);
    return c;
  }

  /** The kernel of a pair as [rows, I] of {@code type}; the caller closes it. */
  private Tensor composed(Tensor w1, Tensor w2, Sizes s, DType type) {
    Tensor c = scratch(type, s.rows(), s.inputs());
    device
        .launch(FAMILY, of("pair_compose", type))
        .tensor(w1)
        .tensor(w2)
        .i32(s.outputs())
        .i32(w1.dim(0))
        .i32(s.inputs())
        .i32(s.rows())
        .tensor(c)
        .run(blocks((long) s.rows() * s.inputs()), 1, 1, THREADS, 0);
    return c;
  }

  @Override
  public void forward(Tensor x, Tensor w, ConvGeometry geometry, Tensor out) {
    forward(x, w, null, false, out);
  }

  /** Convolution, bias and optional ReLU. */
  void forward(Tensor x, Tensor w, Tensor b, boolean relu, Tensor out) {
    Sizes s = Sizes.of(x, w.dim(2), w.dim(0));
    try (Tensor c = rows(w, s, x.dtype())) {
      product(x, c, s, b, relu, out);
    }
  }

  private void product(Tensor x, Tensor c, Sizes s, Tensor b, boolean relu, Tensor out) {
    try (Tensor y = scratch(DType.FLOAT32, s.rows(), s.stride())) {
      device
          .blas()
          .multiply(
              s.rows(),
              s.pixels(),
              s.inputs(),
              matrix(c, s.inputs()),
              matrix(x, s.inputs()).transpose(),
              matrix(y, stride(s)),
              false,
              1);
      device
          .launch(FAMILY, of("few_sum", x.dtype()))
          .tensor(y)
          .tensor(b)
          .i32(s.height())
          .i32(s.width())
          .i32(s.kernel())
          .i32(s.outputs())
          .i64(s.pixels())
          .i64(s.stride())
          .i32(relu ? 1 : 0)
          .tensor(out)
          .run(blocks(s.pixels()), 1, 1, THREADS, 0);
    }
  }

  /** Shifted copies of gradOut, [rows, stride]; the caller closes it. */
  private Tensor spread(Tensor gradOut, Sizes s) {
    Tensor z = scratch(gradOut.dtype(), s.rows(), s.stride());
    device
        .launch(FAMILY, of("few_spread", gradOut.dtype()))
        .tensor(gradOut)
        .i32(s.height())
        .i32(s.width())
        .i32(s.kernel())
        .i32(s.outputs())
        .i32(s.rows())
        .i64(s.pixels())
        .i64(s.stride())
        .tensor(z)
        .run(blocks(s.stride()), 1, 1, THREADS, 0);
    return z;
  }

  private void gradientByInput(Tensor z, Tensor c, Sizes s, Tensor gradX) {
    device
        .blas()
        .multiply(
            s.pixels(),
            s.inputs(),
            s.rows(),
            matrix(z, stride(s)).transpose(),
            matrix(c, s.inputs()),
            matrix(gradX, s.inputs()),
            false,
            1);
  }

  /** Gradient by the kernel as [rows, I] in float32; the caller closes it. */
  private Tensor gradientByRows(Tensor z, Tensor x, Sizes s) {
    Tensor g = scratch(DType.FLOAT32, s.rows(), s.inputs());
    device
        .blas()
        .multiply(
            s.rows(),
            s.inputs(),
            s.pixels(),
            matrix(z, stride(s)),
            matrix(x, s.inputs()),
            matrix(g, s.inputs()),
            false,
            1);
    return g;
  }

  @Override
  public void backwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    Sizes s = Sizes.of(gradX, w.dim(2), w.dim(0));
    try (Tensor z = spread(gradOut, s);
        Tensor c = rows(w, s, gradOut.dtype())) {
      gradientByInput(z, c, s, gradX);
    }
  }

  @Override
  public void backwardWeight(Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW) {
    Sizes s = Sizes.of(x, gradW.dim(2), gradW.dim(0));
    try (Tensor z = spread(gradOut, s);
        Tensor g = gradientByRows(z, x, s)) {
      device
          .launch(FAMILY, "few_weights_back_f32")
          .tensor(g)
          .i32(s.outputs())
          .i32(s.inputs())
          .i32(s.kernel() * s.kernel())
          .tensor(gradW)
          .run(blocks(gradW.elements()), 1, 1, THREADS, 0);
    }
  }

  // ---- Two convolutions as one ----

  /** See {@link dev.changenet.tensor.backend.Convolution#conv2dPair}. */
  void pair(Tensor x, Tensor w1, Tensor b1, Tensor w2, Tensor out) {
    Sizes s = Sizes.of(x, 5, w2.dim(0));
    try (Tensor c = composed(w1, w2, s, x.dtype());
        Tensor bias = b1 == null ? null : device.scratch(s.outputs())) {
      if (bias != null) {
        device
            .launch(FAMILY, "pair_bias_f32")
            .tensor(w2)
            .tensor(b1)
            .i32(w1.dim(0))
            .tensor(bias)
            .run(s.outputs(), 1, 1, 32, 0);
      }
      product(x, c, s, bias, false, out);
    }
    try (Tensor windows = windows(x, s);
        Tensor e = ring(windows, w1, b1, s)) {
      launchRing("ring_correct", s, x.dtype(), w2, e)
          .i32(w1.dim(0))
          .i32(s.outputs())
          .tensor(out)
          .run((int) (((long) s.samples() * s.border() * s.outputs() + 7) / 8), 1, 1, THREADS, 0);
    }
  }

  private CudaLaunch launchRing(String kernel, Sizes s, DType type, Tensor... tensors) {
    CudaLaunch launch = device.launch(FAMILY, of(kernel, type));
    for (Tensor t : tensors) {
      launch.tensor(t);
    }
    return launch.i32(s.samples()).i32(s.height()).i32(s.width());
  }

  /** Windows of x at the ring, [ring rows, 9·I]; the caller closes it. */
  private Tensor windows(Tensor x, Sizes s) {
    Tensor columns =
        new Tensor(
                Shape.of(s.ringRows(), 9 * s.inputs()),
                x.device(),
                new CudaStorage(device, x.dtype(), 9L * s.ringRows() * s.inputs()))
            .detached();
    launchRing("ring_windows", s, x.dtype(), x)
        .i32(s.inputs())
        .tensor(columns)
        .run(blocks(columns.elements()), 1, 1, THREADS, 0);
    return columns;
  }

  /** The map between the convolutions at the ring, [ring rows, M]; the caller closes it. */
  private Tensor ring(Tensor windows, Tensor w1, Tensor b1, Sizes s) {
    int m = w1.dim(0);
    Tensor e =
        new Tensor(
                Shape.of(s.ringRows(), m),
                windows.device(),
                new CudaStorage(device, windows.dtype(), (long) s.ringRows() * m))
            .detached();
    Matrix w = dense.channelsLast(w1, windows.dtype(), 9 * s.inputs());
    device
        .blas()
        .multiply(
            s.ringRows(),
            m,
            9 * s.inputs(),
            matrix(windows, 9 * s.inputs()),
            w.transpose(),
            matrix(e, m),
            false,
            1);
    if (b1 != null) {
      elementwise.biasRows(e, b1, false, e);
    }
    return e;
  }

  /** See {@link dev.changenet.tensor.backend.Convolution#conv2dPairBackward}. */
  void pairBackward(
      Tensor gradOut,
      Tensor x,
      Tensor w1,
      Tensor b1,
      Tensor w2,
      Tensor gradX,
      Tensor gradW1,
      Tensor gradB1,
      Tensor gradW2) {
    Sizes s = Sizes.of(x, 5, w2.dim(0));
    int m = w1.dim(0);
    try (Tensor d = scratch(x.dtype(), s.ringRows(), m)) {
      launchRing("ring_grad", s, x.dtype(), w2, gradOut)
          .i32(m)
          .i32(s.outputs())
          .tensor(d)
          .run(blocks(d.elements()), 1, 1, THREADS, 0);
      try (Tensor z = spread(gradOut, s)) {
        if (gradX != null) {
          pairGradX(z, d, w1, w2, s, gradX);
        }
        try (Tensor g = gradientByRows(z, x, s);
            Tensor sums = device.scratch(s.outputs());
            Tensor windows = windows(x, s)) {
          elementwise.sumLeading(gradOut, sums);
          pairGradW1(g, d, windows, w2, s, m, gradW1);
          pairGradW2(gradOut, g, sums, windows, w1, b1, s, gradW2);
          if (gradB1 != null) {
            pairGradB1(d, sums, w2, s, gradB1);
          }
        }
      }
    }
  }

  private void pairGradX(Tensor z, Tensor d, Tensor w1, Tensor w2, Sizes s, Tensor gradX) {
    try (Tensor c = composed(w1, w2, s, z.dtype())) {
      gradientByInput(z, c, s, gradX);
    }
    int m = w1.dim(0);
    int columns = 9 * s.inputs();
    try (Tensor part = scratch(DType.FLOAT32, s.ringRows(), columns)) {
      Matrix w = dense.channelsLast(w1, z.dtype(), columns);
      device
          .blas()
          .multiply(s.ringRows(), columns, m, matrix(d, m), w, matrix(part, columns), false, 1);
      launchRing("ring_scatter", s, z.dtype(), part)
          .i32(s.inputs())
          .tensor(gradX)
          .run(blocks((long) s.samples() * s.border() * s.inputs()), 1, 1, THREADS, 0);
    }
  }

  private void pairGradW1(
      Tensor g, Tensor d, Tensor windows, Tensor w2, Sizes s, int m, Tensor gradW1) {
    int columns = 9 * s.inputs();
    try (Tensor ring = scratch(DType.FLOAT32, m, columns)) {
      device
          .blas()
          .multiply(
              m,
              columns,
              s.ringRows(),
              matrix(d, m).transpose(),
              matrix(windows, columns),
              matrix(ring, columns),
              false,
              1);
      device
          .launch(FAMILY, "pair_grad_w1_f32")
          .tensor(w2)
          .tensor(g)
          .tensor(ring)
          .i32(s.outputs())
          .i32(m)
          .i32(s.inputs())
          .tensor(gradW1)
          .run(blocks(gradW1.elements()), 1, 1, THREADS, 0);
    }
  }

  private void pairGradW2(
      Tensor gradOut,
      Tensor g,
      Tensor sums,
      Tensor windows,
      Tensor w1,
      Tensor b1,
      Sizes s,
      Tensor gradW2) {
    int m = w1.dim(0);
    int taps = 9 * s.outputs();
    try (Tensor e = ring(windows, w1, b1, s);
        Tensor z = scratch(gradOut.dtype(), s.ringRows(), taps);
        Tensor ring = scratch(DType.FLOAT32, taps, m)) {
      launchRing("ring_spread", s, gradOut.dtype(), gradOut)
          .i32(s.outputs())
          .tensor(z)
          .run(blocks(z.elements()), 1, 1, THREADS, 0);
      device
          .blas()
          .multiply(
              taps,
              m,
              s.ringRows(),
              matrix(z, taps).transpose(),
              matrix(e, m),
              matrix(ring, m),
              false,
              1);
      device
          .launch(FAMILY, "pair_grad_w2_f32")
          .tensor(w1)
          .tensor(b1)
          .tensor(g)
          .tensor(sums)
          .tensor(ring)
          .i32(s.outputs())
          .i32(m)
          .i32(s.inputs())
          .tensor(gradW2)
          .run(Math.toIntExact(gradW2.elements()), 1, 1, THREADS, 0);
    }
  }

  private void pairGradB1(Tensor d, Tensor sums, Tensor w2, Sizes s, Tensor gradB1) {
    int m = Math.toIntExact(gradB1.elements());
    try (Tensor ring = device.scratch(m)) {
      elementwise.sumLeading(d, ring);
      device
          .launch(FAMILY, "pair_grad_b1_f32")
          .tensor(w2)
          .tensor(sums)
          .tensor(ring)
          .i32(s.outputs())
          .i32(m)
          .tensor(gradB1)
          .run((m + THREADS - 1) / THREADS, 1, 1, THREADS, 0);
    }
  }
}
