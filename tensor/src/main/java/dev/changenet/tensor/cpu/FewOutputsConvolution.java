package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * Convolution with stride 1 to few channels, such as class logits: first a matrix product of every
 * input pixel with the weights of all taps, then sums of the products that belong to an output
 * pixel. A pixel's channels are read once, not once per tap, and the taps fill lanes that the few
 * outputs would leave idle (18 of 32 for 3×3 to two classes).
 *
 * <p>The kernel is a matrix [c, taps·o]: tap t to output k is column t·o + k. Maps are worked on in
 * bands of rows, whose products stay in the cache; the bands follow from the sizes alone.
 */
final class FewOutputsConvolution {
  /** Most output channels. */
  static final int MOST_OUTPUTS = 8;

  private static final int FEWEST_CHANNELS = 16;
  private static final int BAND_FLOATS = 1 << 20;

  private final ConvSizes s;

  /** Columns of the kernel. */
  private final int width;

  private final int bandRows;

  FewOutputsConvolution(ConvSizes sizes) {
    this.s = sizes;
    this.width = sizes.taps() * sizes.o();
    this.bandRows = Math.clamp(BAND_FLOATS / Math.max(1, sizes.w() * width), 1, sizes.h());
  }

  /** True when this is the better way for a convolution of these sizes. */
  static boolean suits(ConvSizes s) {
    return s.o() <= MOST_OUTPUTS && s.c() >= FEWEST_CHANNELS && s.stride() == 1 && !s.pointwise();
  }

  int kernelLength() {
    return s.c() * width;
  }

  /** Brings weights [o, c, taps] into a kernel. */
  void pack(float[] w, float[] kernel) {
    for (int k = 0; k < s.o(); k++) {
      for (int c = 0; c < s.c(); c++) {
        for (int t = 0; t < s.taps(); t++) {
          kernel[c * width + t * s.o() + k] = w[(k * s.c() + c) * s.taps() + t];
        }
      }
    }
  }

  /** The reverse of {@link #pack}. */
  void unpack(float[] kernel, float[] w) {
    for (int k = 0; k < s.o(); k++) {
      for (int c = 0; c < s.c(); c++) {
        for (int t = 0; t < s.taps(); t++) {
          w[(k * s.c() + c) * s.taps() + t] = kernel[c * width + t * s.o() + k];
        }
      }
    }
  }

  /** Convolves x [batch, h, w, c] to out [batch, oh, ow, o]; the epilogue doesn't accumulate. */
  void forward(float[] x, float[] kernel, float[] out, Epilogue e) {
    start(out, e.bias());
    float[] products = Scratch.floats(Scratch.Slot.CONV_OUT, bandRows * s.w() * width);
    for (int image = 0; image < s.batch(); image++) {
      int to = image * s.oh() * s.ow() * s.o();
      for (int r0 = 0; r0 < s.h(); r0 += bandRows) {
        int from = r0;
        int end = Math.min(s.h(), r0 + bandRows);
        Gemm.multiply(
            (end - from) * s.w(),
            width,
            s.c(),
            pixels(x, image, from),
            Operand.of(kernel, width),
            products,
            0,
            width,
            Epilogue.OVERWRITE);
        // Output row y meets input rows y − padding … y − padding + kh − 1.
        int y0 = Math.max(0, from + s.padding() - s.kh() + 1);
        int y1 = Math.min(s.oh(), end + s.padding());
        Parallel.forEach(
            Math.max(0, y1 - y0),
            i -> addRow(products, from, end, out, to + (y0 + i) * s.ow() * s.o(), y0 + i));
      }
    }
    if (e.relu()) {
      for (int i = 0; i < s.batch() * s.oh() * s.ow() * s.o(); i++) {
        out[i] = Math.max(out[i], 0f);
      }
    }
  }

  private void start(float[] out, float[] bias) {
    int n = s.batch() * s.oh() * s.ow();
    if (bias == null) {
      Arrays.fill(out, 0, n * s.o(), 0f);
      return;
    }
    for (int i = 0; i < n; i++) {
      System.arraycopy(bias, 0, out, i * s.o(), s.o());
    }
  }

  /** Adds the products of input rows r0 … r1 − 1 to output row y, which lies at {@code to}. */
  private void addRow(float[] products, int r0, int r1, float[] out, int to, int y) {
    int o = s.o();
    for (int ty = 0; ty < s.kh(); ty++) {
      int r = y - s.padding() + ty;
      if (r < r0 || r >= r1) {
        continue;
      }
      for (int tx = 0; tx < s.kw(); tx++) {
        int shift = tx - s.padding();
        int first = Math.max(0, -shift);
        int last = Math.min(s.ow(), s.w() - shift);
        int from = ((r - r0) * s.w() + shift) * width + (ty * s.kw() + tx) * o;
        for (int x = first; x < last; x++) {
          for (int k = 0; k < o; k++) {
            out[to + x * o + k] += products[from + x * width + k];
          }
        }
      }
    }
  }

  /**
   * Gradients by the input, [batch, h, w, c], and by the kernel; either may be null.
   *
   * @param g gradient of the output
   * @param x the input, needed for the kernel's gradient
   * @param kernel needed for the input's gradient
   */
  void backward(float[] g, float[] x, float[] kernel, float[] gradX, float[] gradKernel) {
    float[] columns = Scratch.floats(Scratch.Slot.CONV_OUT, bandRows * s.w() * width);
    boolean first = true;
    for (int image = 0; image < s.batch(); image++) {
      int at = image * s.oh() * s.ow() * s.o();
      for (int r0 = 0; r0 < s.h(); r0 += bandRows) {
        int from = r0;
        int rows = Math.min(s.h(), r0 + bandRows) - r0;
        Parallel.forEach(rows, i -> gradientsOfRow(g, at, from + i, columns, i * s.w() * width));
        int pixels = rows * s.w();
        Operand gradients = Operand.of(columns, width);
        if (gradX != null) {
          Gemm.multiply(
              pixels,
              s.c(),
              width,
              gradients,
              Operand.transposeOf(kernel, width),
              gradX,
              pixels(gradX, image, from).offset(),
              s.c(),
              Epilogue.OVERWRITE);
        }
        if (gradKernel != null) {
          Operand in = pixels(x, image, from);
          Gemm.multiply(
              s.c(),
              width,
              pixels,
              new Operand(in.data(), in.offset(), in.stride(), true),
              gradients,
              gradKernel,
              0,
              width,
              first ? Epilogue.OVERWRITE : Epilogue.ACCUMULATE);
          first = false;
        }
      }
    }
    if (gradKernel != null && first) {
      Arrays.fill(gradKernel, 0, kernelLength(), 0f);
    }
  }

  private Operand pixels(float[] x, int image, int row) {
    return new Operand(x, (image * s.h() + row) * s.w() * s.c(), s.c(), false);
  }

  /** For each pixel of input row r the gradients of the outputs that its taps feed. */
  private void gradientsOfRow(float[] g, int at, int r, float[] columns, int to) {
    int o = s.o();
    Arrays.fill(columns, to, to + s.w() * width, 0f);
    for (int ty = 0; ty < s.kh(); ty++) {
      int y = r + s.padding() - ty;
      if (y < 0 || y >= s.oh()) {
        continue;
      }
      for (int tx = 0; tx < s.kw(); tx++) {
        int shift = s.padding() - tx;
        int first = Math.max(0, -shift);
        int last = Math.min(s.w(), s.ow() - shift);
        int from = at + (y * s.ow() + shift) * o;
        int column = to + (ty * s.kw() + tx) * o;
        for (int x = first; x < last; x++) {
          for (int k = 0; k < o; k++) {
            columns[column + x * width + k] = g[from + x * o + k];
          }
        }
      }
    }
  }
}
