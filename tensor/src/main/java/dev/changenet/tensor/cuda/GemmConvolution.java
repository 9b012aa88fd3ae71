package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.cuda.CudaBlas.Matrix;

/**
 * Convolutions as matrix products: the windows of the input are gathered into the rows of a matrix
 * (im2col). Used for patches that don't overlap, and for all where cuDNN isn't installed.
 */
final class GemmConvolution implements ConvolutionKernels {
  /** Largest matrix of windows; larger batches are taken in parts. */
  private static final long MOST_BYTES = 512L << 20;

  private final CudaDevice device;
  private final CudaWeights weights;
  private final CudaElementwise elementwise;
  private final CudaIm2col windows;

  GemmConvolution(
      CudaDevice device, CudaWeights weights, CudaElementwise elementwise, CudaIm2col windows) {
    this.device = device;
    this.weights = weights;
    this.elementwise = elementwise;
    this.windows = windows;
  }

  /** Sizes of one convolution, and how many samples are taken at a time. */
  private record Sizes(int pixels, int window, int outputs, int samples) {
    static Sizes of(Tensor map, Tensor w, int elementBytes) {
      int pixels = map.dim(1) * map.dim(2);
      int window = w.dim(1) * w.dim(2) * w.dim(3);
      long bytes = (long) pixels * window * elementBytes;
      int samples = (int) Math.max(1, Math.min(map.dim(0), MOST_BYTES / Math.max(1, bytes)));
      return new Sizes(pixels, window, w.dim(0), samples);
    }
  }

  private static CudaIm2col.Window window(Tensor w, ConvGeometry g, Tensor map) {
    return new CudaIm2col.Window(
        w.dim(2), w.dim(3), g.stride(), g.padding(), map.dim(1), map.dim(2));
  }

  private interface Part {
    /**
     * @param first first sample
     * @param count number of samples
     */
    void run(int first, int count);
  }

  private static void inParts(int batch, int samples, Part part) {
    for (int first = 0; first < batch; first += samples) {
      part.run(first, Math.min(samples, batch - first));
    }
  }

  private long rowAddress(Tensor map, int sample) {
    long perSample = map.elements() / map.dim(0);
    return device.address(map) + sample * perSample * map.dtype().bytes();
  }

  @Override
  public void forward(Tensor x, Tensor w, ConvGeometry geometry, Tensor out) {
    Sizes s = Sizes.of(out, w, x.dtype().bytes());
    Matrix wt = Matrix.of(weights.channelsLast(w, x.dtype()), x.dtype(), s.window()).transpose();
    inParts(
        x.dim(0),
        s.samples(),
        (first, count) -> {
          int rows = count * s.pixels();
          try (Tensor columns = columns(x, rows, s.window())) {
            windows.im2col(x, first, count, window(w, geometry, out), columns);
            device
                .blas()
                .multiply(
                    rows,
                    s.outputs(),
                    s.window(),
                    matrix(columns),
                    wt,
                    Matrix.of(rowAddress(out, first), out.dtype(), s.outputs()),
                    false,
                    1);
          }
        });
  }

  private Tensor columns(Tensor like, int rows, int window) {
    return new Tensor(
            Shape.of(rows, window),
            like.device(),
            new CudaStorage(device, like.dtype(), (long) rows * window))
        .detached();
  }

  private Matrix matrix(Tensor t) {
    return Matrix.of(device.address(t), t.dtype(), t.dim(1));
  }

  @Override
  public void backwardInput(Tensor gradOut, Tensor w, ConvGeometry geometry, Tensor gradX) {
    Sizes s = Sizes.of(gradOut, w, gradOut.dtype().bytes());
    Matrix wm = Matrix.of(weights.channelsLast(w, gradOut.dtype()), gradOut.dtype(), s.window());
    inParts(
        gradOut.dim(0),
        s.samples(),
        (first, count) -> {
          int rows = count * s.pixels();
          try (Tensor columns = columns(gradOut, rows, s.window())) {
            Matrix g = Matrix.of(rowAddress(gradOut, first), gradOut.dtype(), s.outputs());
            device.blas().multiply(rows, s.window(), s.outputs(), g, wm, matrix(columns), false, 1);
            windows.col2im(columns, first, count, window(w, geometry, gradOut), gradX);
          }
        });
  }

  @Override
  public void backwardWeight(Tensor gradOut, Tensor x, ConvGeometry geometry, Tensor gradW) {
    Sizes s = Sizes.of(gradOut, gradW, x.dtype().bytes());
    try (Tensor khwi = device.scratch(gradW.elements())) {
      Matrix sum = Matrix.of(device.address(khwi), khwi.dtype(), s.window());
      inParts(
          x.dim(0),
          s.samples(),
          (first, count) -> {
            int rows = count * s.pixels();
            try (Tensor columns = columns(x, rows, s.window())) {
              windows.im2col(x, first, count, window(gradW, geometry, gradOut), columns);
              Matrix g = Matrix.of(rowAddress(gradOut, first), gradOut.dtype(), s.outputs());
              device
                  .blas()
                  .multiply(
                      s.outputs(),
                      s.window(),
                      rows,
                      g.transpose(),
                      matrix(columns),
                      sum,
                      first > 0,
                      1);
            }
          });
      elementwise.weightsFromKhwi(khwi, gradW);
    }
  }
}
