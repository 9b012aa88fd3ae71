package dev.changenet.onnx.interpreter;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Means, sums, softmax and norms; sums in double. */
final class Reductions {
  private Reductions() {}

  /** An array seen as [outer, n, inner] around one axis. */
  private record View(int outer, int n, int inner) {
    static View of(int[] dims, int axis) {
      return new View(
          NdArray.count(Arrays.copyOf(dims, axis)),
          dims[axis],
          NdArray.count(Arrays.copyOfRange(dims, axis + 1, dims.length)));
    }
  }

  /** ReduceMean or ReduceSum; axes are an attribute or, in later sets, an input. */
  static NdArray reduce(Call call, boolean mean) {
    NdArray x = call.input(0);
    int[] axes =
        call.optional(1) != null ? Call.toInts(call.input(1).longs()) : call.integers("axes");
    if (axes == null || axes.length == 0) {
      if (call.integer("noop_with_empty_axes", 0) == 1) {
        return x;
      }
      axes = IntStream.range(0, x.rank()).toArray();
    }
    int[] dims = x.dims();
    float[] values = x.floats();
    for (int a : axes) {
      int axis = a < 0 ? a + dims.length : a;
      values = reduce(values, View.of(dims, axis), mean);
      dims[axis] = 1;
    }
    if (call.integer("keepdims", 1) == 0) {
      boolean[] gone = new boolean[dims.length];
      for (int a : axes) {
        gone[a < 0 ? a + dims.length : a] = true;
      }
      int[] all = dims;
      dims = IntStream.range(0, all.length).filter(i -> !gone[i]).map(i -> all[i]).toArray();
    }
    return NdArray.of(values, dims);
  }

  private static float[] reduce(float[] x, View v, boolean mean) {
    float[] out = new float[v.outer() * v.inner()];
    IntStream.range(0, v.outer())
        .parallel()
        .forEach(
            o -> {
              double[] sums = new double[v.inner()];
              for (int k = 0; k < v.n(); k++) {
                int from = (o * v.n() + k) * v.inner();
                for (int i = 0; i < sums.length; i++) {
                  sums[i] += x[from + i];
                }
              }
              for (int i = 0; i < sums.length; i++) {
                out[o * v.inner() + i] = (float) (mean ? sums[i] / v.n() : sums[i]);
              }
            });
    return out;
  }

  static NdArray softmax(Call call) {
    NdArray x = call.input(0);
    boolean flattens = call.opset() < 13;
    int axis = call.integer("axis", flattens ? 1 : -1);
    axis = axis < 0 ? axis + x.rank() : axis;
    int[] dims = x.dims();
    View v = View.of(dims, axis);
    if (flattens) {
      v = new View(v.outer(), v.n() * v.inner(), 1);
    }
    float[] out = new float[x.size()];
    View view = v;
    IntStream.range(0, v.outer())
        .parallel()
        .forEach(o -> softmax(x.floats(), out, view, o * view.n() * view.inner()));
    return NdArray.of(out, dims);
  }

  private static void softmax(float[] x, float[] out, View v, int from) {
    for (int i = 0; i < v.inner(); i++) {
      float largest = Float.NEGATIVE_INFINITY;
      for (int k = 0; k < v.n(); k++) {
        largest = Math.max(largest, x[from + k * v.inner() + i]);
      }
      double sum = 0;
      for (int k = 0; k < v.n(); k++) {
        int at = from + k * v.inner() + i;
        double e = Math.exp(x[at] - largest);
        out[at] = (float) e;
        sum += e;
      }
      for (int k = 0; k < v.n(); k++) {
        int at = from + k * v.inner() + i;
        out[at] = (float) (out[at] / sum);
      }
    }
  }

  static NdArray layerNorm(Call call) {
    NdArray x = call.input(0);
    float[] weight = call.input(1).floats();
    float[] bias = call.optional(2) == null ? null : call.input(2).floats();
    int axis = call.integer("axis", -1);
    call.require(axis == -1 || axis == x.rank() - 1, "axis " + axis);
    double eps = call.number("epsilon", 1e-5f);
    int n = x.dim(-1);
    float[] in = x.floats();
    float[] out = new float[in.length];
    IntStream.range(0, in.length / n)
        .parallel()
        .forEach(
            r -> {
              int from = r * n;
              double mean = 0;
              for (int i = 0; i < n; i++) {
                mean += in[from + i];
              }
              mean /= n;
              double variance = 0;
              for (int i = 0; i < n; i++) {
                variance += (in[from + i] - mean) * (in[from + i] - mean);
              }
              double scale = 1 / Math.sqrt(variance / n + eps);
              for (int i = 0; i < n; i++) {
                double y = (in[from + i] - mean) * scale * weight[i];
                out[from + i] = (float) (bias == null ? y : y + bias[i]);
              }
            });
    return NdArray.of(out, x.dims());
  }

  /** BatchNormalization with known statistics, channels at axis 1. */
  static NdArray batchNorm(Call call) {
    call.require(call.integer("training_mode", 0) == 0, "training_mode 1");
    NdArray x = call.input(0);
    double eps = call.number("epsilon", 1e-5f);
    View v = View.of(x.dims(), 1);
    float[] out = new float[x.size()];
    for (int c = 0; c < v.n(); c++) {
      double scale = call.input(1).floats()[c] / Math.sqrt(call.input(4).floats()[c] + eps);
      double shift = call.input(2).floats()[c] - call.input(3).floats()[c] * scale;
      for (int o = 0; o < v.outer(); o++) {
        int from = (o * v.n() + c) * v.inner();
        for (int i = from; i < from + v.inner(); i++) {
          out[i] = (float) (x.floats()[i] * scale + shift);
        }
      }
    }
    return NdArray.of(out, x.dims());
  }
}
