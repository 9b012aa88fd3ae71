package dev.changenet.onnx.interpreter;

import java.util.stream.IntStream;

/** Resize of the last two axes of [B, C, H, W]. */
final class Resizing {
  private Resizing() {}

  /** For each output position the input positions, clamped to the map, and their weights. */
  private record Axis(int[][] at, float[][] weight) {}

  static NdArray resize(Call call) {
    NdArray x = call.input(0);
    call.require(x.rank() == 4, "an operand of rank " + x.rank());
    call.require(call.integer("antialias", 0) == 0, "antialias 1");
    call.require(call.integer("exclude_outside", 0) == 0, "exclude_outside 1");
    call.require(
        call.text("keep_aspect_ratio_policy", "stretch").equals("stretch"),
        "keep_aspect_ratio_policy");
    int[] axes = call.integers("axes", 0, 1, 2, 3);
    float[] scales = {1, 1, 1, 1};
    int[] size = x.dims();
    boolean bySizes = call.optional(3) != null && call.input(3).size() > 0;
    for (int i = 0; i < axes.length; i++) {
      int axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
      if (bySizes) {
        size[axis] = Math.toIntExact(call.input(3).longs()[i]);
        scales[axis] = (float) size[axis] / x.dim(axis);
      } else {
        scales[axis] = call.input(2).floats()[i];
        size[axis] = (int) Math.floor((double) x.dim(axis) * scales[axis]);
      }
    }
    call.require(size[0] == x.dim(0) && size[1] == x.dim(1), "a factor for batch or channels");
    Axis rows = axis(call, x.dim(2), size[2], bySizes ? (double) size[2] / x.dim(2) : scales[2]);
    Axis columns = axis(call, x.dim(3), size[3], bySizes ? (double) size[3] / x.dim(3) : scales[3]);
    float[] out = new float[NdArray.count(size)];
    IntStream.range(0, size[0] * size[1])
        .parallel()
        .forEach(p -> plane(x.floats(), p * x.dim(2) * x.dim(3), x.dim(3), rows, columns, out, p));
    return NdArray.of(out, size);
  }

  private static void plane(
      float[] in, int from, int pitch, Axis rows, Axis columns, float[] out, int plane) {
    int height = rows.at().length;
    int width = columns.at().length;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double sum = 0;
        for (int i = 0; i < rows.at()[y].length; i++) {
          double line = 0;
          for (int j = 0; j < columns.at()[x].length; j++) {
            line +=
                columns.weight()[x][j] * in[from + rows.at()[y][i] * pitch + columns.at()[x][j]];
          }
          sum += rows.weight()[y][i] * line;
        }
        out[(plane * height + y) * width + x] = (float) sum;
      }
    }
  }

  private static Axis axis(Call call, int in, int out, double scale) {
    String mode = call.text("mode", "nearest");
    int[][] at = new int[out][];
    float[][] weight = new float[out][];
    for (int i = 0; i < out; i++) {
      double place = place(call, i, in, out, scale);
      int base = (int) Math.floor(place);
      double d = place - base;
      switch (mode) {
        case "nearest" -> {
          at[i] = new int[] {nearest(call, place)};
          weight[i] = new float[] {1};
        }
        case "linear" -> {
          at[i] = new int[] {base, base + 1};
          weight[i] = new float[] {(float) (1 - d), (float) d};
        }
        case "cubic" -> {
          double a = call.number("cubic_coeff_a", -0.75f);
          at[i] = new int[] {base - 1, base, base + 1, base + 2};
          weight[i] =
              new float[] {
                (float) far(a, 1 + d),
                (float) near(a, d),
                (float) near(a, 1 - d),
                (float) far(a, 2 - d)
              };
        }
        default -> throw call.error("has mode " + mode + ", which the interpreter doesn't know");
      }
      for (int k = 0; k < at[i].length; k++) {
        at[i][k] = Math.max(0, Math.min(in - 1, at[i][k]));
      }
    }
    return new Axis(at, weight);
  }

  /** Where output position {@code i} lies in the input. */
  private static double place(Call call, int i, int in, int out, double scale) {
    String mode = call.text("coordinate_transformation_mode", "half_pixel");
    return switch (mode) {
      case "half_pixel" -> (i + 0.5) / scale - 0.5;
      case "pytorch_half_pixel" -> out > 1 ? (i + 0.5) / scale - 0.5 : 0;
      case "align_corners" -> out > 1 ? (double) i * (in - 1) / (out - 1) : 0;
      case "asymmetric" -> i / scale;
      default ->
          throw call.error(
              "has coordinate_transformation_mode "
                  + mode
                  + ", which the interpreter doesn't know");
    };
  }

  private static int nearest(Call call, double place) {
    String mode = call.text("nearest_mode", "round_prefer_floor");
    return switch (mode) {
      case "floor" -> (int) Math.floor(place);
      case "ceil" -> (int) Math.ceil(place);
      case "round_prefer_floor" -> (int) Math.ceil(place - 0.5);
      case "round_prefer_ceil" -> (int) Math.floor(place + 0.5);
      default ->
          throw call.error("has nearest_mode " + mode + ", which the interpreter doesn't know");
    };
  }

  /** Cubic convolution at distance 0 to 1. */
  private static double near(double a, double d) {
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  }

  /** Cubic convolution at distance 1 to 2. */
  private static double far(double a, double d) {
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  }
}
