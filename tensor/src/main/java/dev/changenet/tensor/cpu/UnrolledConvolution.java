package dev.changenet.tensor.cpu;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;
import java.util.Arrays;

/**
 * Convolution of few pixels and many channels as one matrix product: the inputs of an output pixel
 * lie in a row, channel by channel and tap by tap, as the weights [o, c, kh, kw] do. Where each
 * weight meets so few pixels, to rearrange the weights would cost more than to rearrange the map.
 */
final class UnrolledConvolution {
  /** Most pixels of the small map, of all images of the batch. */
  private static final int FEW_PIXELS = 256;

  private static final int FEWEST_CHANNELS = 32;

  private final ConvSizes s;

  UnrolledConvolution(ConvSizes sizes) {
    this.s = sizes;
  }

  /** Whether a convolution that Winograd's algorithm doesn't suit is done this way. */
  static boolean suits(ConvSizes s) {
    return pixels(s) <= FEW_PIXELS && s.c() >= FEWEST_CHANNELS && s.o() >= FEWEST_CHANNELS;
  }

  private static int pixels(ConvSizes s) {
    return s.batch() * s.oh() * s.ow();
  }

  /** Inputs of an output pixel. */
  static int inputs(ConvSizes s) {
    return s.c() * s.taps();
  }

  /** The small map from the large one. */
  void forward(float[] large, Tensor w, float[] small, Epilogue e) {
    CpuDense.linear(pixels(s), inputs(s), s.o(), unroll(large), w, small, e);
  }

  /**
   * The gradient of the large map from that of the small one.
   *
   * @param bias added per channel, or null
   */
  void backward(float[] small, float[] w, float[] bias, float[] large) {
    int inputs = inputs(s);
    float[] rows = Scratch.floats(Scratch.Slot.CONV_TILE, pixels(s) * inputs);
    Operand a = Operand.of(small, s.o());
    Operand b = Operand.of(w, inputs);
    Gemm.multiply(pixels(s), inputs, s.o(), a, b, rows, 0, inputs, Epilogue.OVERWRITE);
    Parallel.forEach(s.batch() * s.h(), row -> gather(rows, row / s.h(), row % s.h(), bias, large));
  }

  /** The gradient [o, c, kh, kw] of the weights. */
  void weightGradient(float[] small, float[] large, float[] gradW) {
    int inputs = inputs(s);
    Operand a = Operand.transposeOf(small, s.o());
    Operand b = Operand.of(unroll(large), inputs);
    Gemm.multiply(s.o(), inputs, pixels(s), a, b, gradW, 0, inputs, Epilogue.OVERWRITE);
  }

  /** Rows [batch·oh·ow, c·kh·kw] of the large map's values. */
  private float[] unroll(float[] large) {
    int inputs = inputs(s);
    float[] rows = Scratch.floats(Scratch.Slot.CONV_TILE, pixels(s) * inputs);
    Parallel.forEach(
        s.batch() * s.oh(),
        line -> {
          int image = line / s.oh() * s.h();
          int top = line % s.oh() * s.stride() - s.padding();
          for (int j = 0; j < s.ow(); j++) {
            int to = (line * s.ow() + j) * inputs;
            int left = j * s.stride() - s.padding();
            for (int t = 0; t < s.taps(); t++) {
              int y = top + t / s.kw();
              int x = left + t % s.kw();
              boolean inside = y >= 0 && y < s.h() && x >= 0 && x < s.w();
              int from = ((image + y) * s.w() + x) * s.c();
              spread(large, inside ? from : -1, s.c(), s.taps(), rows, to + t);
            }
          }
        });
    return rows;
  }

  /** dst[dp + c·step] = src[sp + c], or 0 where sp is negative. */
  private static void spread(float[] src, int sp, int channels, int step, float[] dst, int dp) {
    if (sp < 0) {
      for (int c = 0; c < channels; c++) {
        dst[dp + c * step] = 0f;
      }
    } else {
      for (int c = 0; c < channels; c++) {
        dst[dp + c * step] = src[sp + c];
      }
    }
  }

  /** One line of the large map: every pixel the sum of what its taps got, in their order. */
  private void gather(float[] rows, int image, int y, float[] bias, float[] large) {
    int from = (image * s.h() + y) * s.w() * s.c();
    Arrays.fill(large, from, from + s.w() * s.c(), 0f);
    for (int x = 0; x < s.w(); x++) {
      if (bias != null) {
        System.arraycopy(bias, 0, large, from + x * s.c(), s.c());
      }
      for (int t = 0; t < s.taps(); t++) {
        int i = y + s.padding() - t / s.kw();
        int j = x + s.padding() - t % s.kw();
        boolean met = i >= 0 && j >= 0 && i % s.stride() == 0 && j % s.stride() == 0;
        i /= s.stride();
        j /= s.stride();
        if (met && i < s.oh() && j < s.ow()) {
          int row = ((image * s.oh() + i) * s.ow() + j) * inputs(s) + t;
          add(rows, row, s.taps(), s.c(), large, from + x * s.c());
        }
      }
    }
  }

  /** dst[dp + c] += src[sp + c·step]. */
  private static void add(float[] src, int sp, int step, int channels, float[] dst, int dp) {
    for (int c = 0; c < channels; c++) {
      dst[dp + c] += src[sp + c * step];
    }
  }
}
