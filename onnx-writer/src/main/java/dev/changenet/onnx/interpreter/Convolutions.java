package dev.changenet.onnx.interpreter;

import java.util.stream.IntStream;

/** Conv and ConvTranspose on [B, C, H, W]. */
final class Convolutions {
  private Convolutions() {}

  /**
   * The window of a convolution.
   *
   * @param top rows of zeros above the map
   */
  private record Window(
      int kernelH, int kernelW, int strideH, int strideW, int top, int left, int dilH, int dilW) {}

  private static Window window(Call call, NdArray w) {
    call.require(call.text("auto_pad", "NOTSET").equals("NOTSET"), "attribute auto_pad");
    int[] strides = call.integers("strides", 1, 1);
    int[] pads = call.integers("pads", 0, 0, 0, 0);
    int[] dilations = call.integers("dilations", 1, 1);
    return new Window(
        w.dim(2), w.dim(3), strides[0], strides[1], pads[0], pads[1], dilations[0], dilations[1]);
  }

  /** One channel per plane, cut into the phases of the stride, with room for every tap. */
  private record Planes(float[] values, int channels, int phases, int height, int width) {
    int offset(int channel, int phase, int y, int x) {
      return ((channel * phases + phase) * height + y) * width + x;
    }
  }

  static NdArray conv(Call call) {
    NdArray x = call.input(0);
    NdArray w = call.input(1);
    NdArray bias = call.optional(2);
    Window k = window(call, w);
    int[] pads = call.integers("pads", 0, 0, 0, 0);
    int group = call.integer("group", 1);
    int out = w.dim(0);
    int in = w.dim(1);
    if (in * group != x.dim(1)) {
      throw call.error("has " + x.dim(1) + " channels for a weight of " + in + " x " + group);
    }
    int spanH = k.dilH() * (k.kernelH() - 1) + 1;
    int spanW = k.dilW() * (k.kernelW() - 1) + 1;
    int height = (x.dim(2) + pads[0] + pads[2] - spanH) / k.strideH() + 1;
    int width = (x.dim(3) + pads[1] + pads[3] - spanW) / k.strideW() + 1;
    float[] result = new float[NdArray.count(x.dim(0), out, height, width)];
    int each = out / group;
    int taps = in * k.kernelH() * k.kernelW();
    for (int b = 0; b < x.dim(0); b++) {
      Planes planes = planes(x, b, k, height, width);
      for (int g = 0; g < group; g++) {
        int[] offsets = offsets(planes, k, g * in, in);
        Product.Factors a = new Product.Factors(w.floats(), g * each * taps, each, taps, 1);
        int base = (b * out + g * each) * height * width;
        int first = g * each;
        Product.compute(
            a,
            planes.values(),
            offsets,
            (height - 1) * planes.width() + width,
            (row, column, count, values, at) ->
                rows(
                    result,
                    base + row * height * width,
                    width,
                    planes.width(),
                    column,
                    count,
                    values,
                    at,
                    bias == null ? 0 : bias.floats()[first + row]));
      }
    }
    return NdArray.of(result, x.dim(0), out, height, width);
  }

  /** Copies sums over rows of {@code pitch} columns, of which the first {@code width} count. */
  private static void rows(
      float[] out,
      int base,
      int width,
      int pitch,
      int column,
      int count,
      float[] values,
      int at,
      float bias) {
    for (int j = 0; j < count; ) {
      int y = (column + j) / pitch;
      int x = (column + j) % pitch;
      int run = Math.min(count - j, pitch - x);
      for (int i = 0; i < Math.min(run, width - x); i++) {
        out[base + y * width + x + i] = values[at + j + i] + bias;
      }
      j += run;
    }
  }

  private static int[] offsets(Planes planes, Window k, int firstChannel, int channels) {
    int[] offsets = new int[channels * k.kernelH() * k.kernelW()];
    int t = 0;
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < k.kernelH(); i++) {
        for (int j = 0; j < k.kernelW(); j++) {
          int y = i * k.dilH();
          int x = j * k.dilW();
          int phase = y % k.strideH() * k.strideW() + x % k.strideW();
          offsets[t++] = planes.offset(firstChannel + c, phase, y / k.strideH(), x / k.strideW());
        }
      }
    }
    return offsets;
  }

  private static Planes planes(NdArray x, int b, Window k, int outHeight, int outWidth) {
    int channels = x.dim(1);
    int h = x.dim(2);
    int w = x.dim(3);
    int height = outHeight + k.dilH() * (k.kernelH() - 1) / k.strideH();
    int width = outWidth + k.dilW() * (k.kernelW() - 1) / k.strideW();
    int phases = k.strideH() * k.strideW();
    Planes planes =
        new Planes(
            new float[NdArray.count(channels, phases, height, width)],
            channels,
            phases,
            height,
            width);
    IntStream.range(0, channels)
        .parallel()
        .forEach(
            c -> {
              for (int y = 0; y < h; y++) {
                int row = y + k.top();
                int q = row / k.strideH();
                if (q >= height) {
                  break;
                }
                int from = ((b * channels + c) * h + y) * w;
                for (int i = 0; i < w; i++) {
                  int column = i + k.left();
                  if (column / k.strideW() < width) {
                    int phase = row % k.strideH() * k.strideW() + column % k.strideW();
                    planes.values()[planes.offset(c, phase, q, column / k.strideW())] =
                        x.floats()[from + i];
                  }
                }
              }
            });
    return planes;
  }

  /**
   * A transposed convolution is one ordinary convolution per phase of the stride: out[s·q + p] sums
   * the taps k with (p + pad − k) divisible by s, at input row q + (p + pad − k) / s.
   */
  static NdArray convTranspose(Call call) {
    NdArray x = call.input(0);
    NdArray w = call.input(1);
    Window k = window(call, w);
    int group = call.integer("group", 1);
    call.require(
        call.integers("output_shape") == null || call.integers("output_shape").length == 0,
        "attribute output_shape");
    call.require(k.dilH() == 1 && k.dilW() == 1, "dilations");
    int[] pads = call.integers("pads", 0, 0, 0, 0);
    int[] extra = call.integers("output_padding", 0, 0);
    int height = (x.dim(2) - 1) * k.strideH() - pads[0] - pads[2] + k.kernelH() + extra[0];
    int width = (x.dim(3) - 1) * k.strideW() - pads[1] - pads[3] + k.kernelW() + extra[1];
    int out = w.dim(1) * group;
    float[] result = new float[NdArray.count(x.dim(0), out, height, width)];
    for (int b = 0; b < x.dim(0); b++) {
      for (int py = 0; py < k.strideH(); py++) {
        for (int px = 0; px < k.strideW(); px++) {
          phase(call, k, b, group, py, px, result, height, width);
        }
      }
    }
    return NdArray.of(result, x.dim(0), out, height, width);
  }

  private static void phase(
      Call call,
      Window k,
      int b,
      int group,
      int py,
      int px,
      float[] result,
      int height,
      int width) {
    NdArray x = call.input(0);
    NdArray w = call.input(1);
    NdArray bias = call.optional(2);
    int[] rows = taps(k.kernelH(), k.strideH(), py + k.top());
    int[] columns = taps(k.kernelW(), k.strideW(), px + k.left());
    int qh = (height - py + k.strideH() - 1) / k.strideH();
    int qw = (width - px + k.strideW() - 1) / k.strideW();
    if (qh <= 0 || qw <= 0) {
      return;
    }
    Planes planes = margins(x, b, k, qh, qw);
    int in = x.dim(1) / group;
    int each = w.dim(1);
    int taps = in * rows.length * columns.length;
    for (int g = 0; g < group; g++) {
      float[] factors = new float[each * taps];
      int[] offsets = new int[taps];
      int t = 0;
      for (int c = 0; c < in; c++) {
        for (int i : rows) {
          for (int j : columns) {
            int dy = (py + k.top() - i) / k.strideH() + k.kernelH();
            int dx = (px + k.left() - j) / k.strideW() + k.kernelW();
            offsets[t] = planes.offset(g * in + c, 0, dy, dx);
            for (int o = 0; o < each; o++) {
              int at = ((g * in + c) * each + o) * k.kernelH() + i;
              factors[o * taps + t] = w.floats()[at * k.kernelW() + j];
            }
            t++;
          }
        }
      }
      int first = g * each;
      int total = each * group;
      Product.compute(
          new Product.Factors(factors, 0, each, taps, 1),
          planes.values(),
          offsets,
          (qh - 1) * planes.width() + qw,
          (row, column, count, values, at) -> {
            float shift = bias == null ? 0 : bias.floats()[first + row];
            int base = (b * total + first + row) * height;
            for (int j = 0; j < count; j++) {
              int q = (column + j) / planes.width();
              int r = (column + j) % planes.width();
              if (r < qw) {
                result[(base + q * k.strideH() + py) * width + r * k.strideW() + px] =
                    values[at + j] + shift;
              }
            }
          });
    }
  }

  /** Taps k with (place − k) divisible by the stride. */
  private static int[] taps(int kernel, int stride, int place) {
    return IntStream.range(0, kernel).filter(i -> (place - i) % stride == 0).toArray();
  }

  /** The map with a margin as wide as the kernel before it, and zeros behind. */
  private static Planes margins(NdArray x, int b, Window k, int qh, int qw) {
    int channels = x.dim(1);
    int h = x.dim(2);
    int w = x.dim(3);
    int height = Math.max(qh, h) + 2 * k.kernelH() + k.top();
    int width = Math.max(qw, w) + 2 * k.kernelW() + k.left();
    float[] values = new float[NdArray.count(channels, height, width)];
    for (int c = 0; c < channels; c++) {
      for (int y = 0; y < h; y++) {
        System.arraycopy(
            x.floats(),
            ((b * channels + c) * h + y) * w,
            values,
            (c * height + y + k.kernelH()) * width + k.kernelW(),
            w);
      }
    }
    return new Planes(values, channels, 1, height, width);
  }
}
