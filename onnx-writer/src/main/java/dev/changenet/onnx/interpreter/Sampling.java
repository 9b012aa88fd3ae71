package dev.changenet.onnx.interpreter;

import java.util.stream.IntStream;

/** GridSample and MaxPool on [B, C, H, W]. */
final class Sampling {
  private Sampling() {}

  /** Bilinear samples, 0 outside the map; a grid of −1 and 1 is the outer border of the map. */
  static NdArray gridSample(Call call) {
    NdArray x = call.input(0);
    NdArray grid = call.input(1);
    String mode = call.text("mode", "linear");
    call.require(mode.equals("linear") || mode.equals("bilinear"), "mode " + mode);
    String padding = call.text("padding_mode", "zeros");
    call.require(padding.equals("zeros"), "padding_mode " + padding);
    call.require(call.integer("align_corners", 0) == 0, "align_corners 1");
    call.require(x.rank() == 4, "an operand of rank " + x.rank());
    int channels = x.dim(1);
    int h = x.dim(2);
    int w = x.dim(3);
    int points = grid.dim(1) * grid.dim(2);
    float[] out = new float[NdArray.count(x.dim(0), channels, points)];
    IntStream.range(0, x.dim(0))
        .parallel()
        .forEach(
            b -> {
              for (int p = 0; p < points; p++) {
                int g = (b * points + p) * 2;
                double px = ((grid.floats()[g] + 1) * w - 1) / 2;
                double py = ((grid.floats()[g + 1] + 1) * h - 1) / 2;
                int x0 = (int) Math.floor(px);
                int y0 = (int) Math.floor(py);
                double dx = px - x0;
                double dy = py - y0;
                for (int c = 0; c < channels; c++) {
                  int map = (b * channels + c) * h * w;
                  double top =
                      (1 - dx) * at(x, map, h, w, y0, x0) + dx * at(x, map, h, w, y0, x0 + 1);
                  double bottom =
                      (1 - dx) * at(x, map, h, w, y0 + 1, x0)
                          + dx * at(x, map, h, w, y0 + 1, x0 + 1);
                  out[(b * channels + c) * points + p] = (float) ((1 - dy) * top + dy * bottom);
                }
              }
            });
    return NdArray.of(out, x.dim(0), channels, grid.dim(1), grid.dim(2));
  }

  private static float at(NdArray x, int map, int h, int w, int row, int column) {
    boolean inside = row >= 0 && row < h && column >= 0 && column < w;
    return inside ? x.floats()[map + row * w + column] : 0;
  }

  static NdArray maxPool(Call call) {
    NdArray x = call.input(0);
    call.require(x.rank() == 4, "an operand of rank " + x.rank());
    call.require(call.text("auto_pad", "NOTSET").equals("NOTSET"), "attribute auto_pad");
    call.require(call.integer("ceil_mode", 0) == 0, "ceil_mode 1");
    int[] kernel = call.integers("kernel_shape");
    int[] strides = call.integers("strides", 1, 1);
    int[] pads = call.integers("pads", 0, 0, 0, 0);
    for (int d : call.integers("dilations", 1, 1)) {
      call.require(d == 1, "dilations");
    }
    int h = x.dim(2);
    int w = x.dim(3);
    int height = (h + pads[0] + pads[2] - kernel[0]) / strides[0] + 1;
    int width = (w + pads[1] + pads[3] - kernel[1]) / strides[1] + 1;
    int planes = x.dim(0) * x.dim(1);
    float[] out = new float[NdArray.count(planes, height, width)];
    IntStream.range(0, planes)
        .parallel()
        .forEach(
            p -> {
              for (int y = 0; y < height; y++) {
                for (int c = 0; c < width; c++) {
                  float largest = Float.NEGATIVE_INFINITY;
                  int top = y * strides[0] - pads[0];
                  int left = c * strides[1] - pads[1];
                  for (int i = Math.max(0, top); i < Math.min(h, top + kernel[0]); i++) {
                    for (int j = Math.max(0, left); j < Math.min(w, left + kernel[1]); j++) {
                      largest = Math.max(largest, x.floats()[(p * h + i) * w + j]);
                    }
                  }
                  out[(p * height + y) * width + c] = largest;
                }
              }
            });
    return NdArray.of(out, x.dim(0), x.dim(1), height, width);
  }
}
