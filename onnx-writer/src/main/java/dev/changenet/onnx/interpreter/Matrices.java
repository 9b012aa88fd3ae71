package dev.changenet.onnx.interpreter;

import java.util.Arrays;

/** MatMul and Gemm. */
final class Matrices {
  private Matrices() {}

  /** [.., M, K] × [.., K, N], leading dimensions broadcast. */
  static NdArray matMul(Call call) {
    NdArray a = call.input(0);
    NdArray b = call.input(1);
    call.require(a.rank() >= 2 && b.rank() >= 2, "an operand of rank below 2");
    int m = a.dim(-2);
    int k = a.dim(-1);
    int n = b.dim(-1);
    if (b.dim(-2) != k) {
      throw call.error("multiplies " + a + " by " + b);
    }
    int[] leadA = Arrays.copyOf(a.dims(), a.rank() - 2);
    int[] leadB = Arrays.copyOf(b.dims(), b.rank() - 2);
    Broadcast lead = Broadcast.of(call, leadA, leadB);
    int count = NdArray.count(lead.dims());
    float[] out = new float[Math.multiplyExact(count, m * n)];
    int[] offsets = new int[k];
    for (int i = 0; i < count; i++) {
      int from = lead.index(1, i) * k * n;
      for (int t = 0; t < k; t++) {
        offsets[t] = from + t * n;
      }
      int base = i * m * n;
      Product.compute(
          new Product.Factors(a.floats(), lead.index(0, i) * m * k, m, k, 1),
          b.floats(),
          offsets,
          n,
          (row, column, c, values, at) ->
              System.arraycopy(values, at, out, base + row * n + column, c));
    }
    int[] dims = Arrays.copyOf(lead.dims(), lead.dims().length + 2);
    dims[dims.length - 2] = m;
    dims[dims.length - 1] = n;
    return NdArray.of(out, dims);
  }

  /** alpha·A·B + beta·C with optional transposes. */
  static NdArray gemm(Call call) {
    NdArray a = call.input(0);
    NdArray b = call.input(1);
    NdArray c = call.optional(2);
    boolean transA = call.integer("transA", 0) == 1;
    boolean transB = call.integer("transB", 0) == 1;
    float alpha = call.number("alpha", 1);
    float beta = call.number("beta", 1);
    int m = a.dim(transA ? 1 : 0);
    int k = a.dim(transA ? 0 : 1);
    int n = b.dim(transB ? 0 : 1);
    if (b.dim(transB ? 1 : 0) != k) {
      throw call.error("multiplies " + a + " by " + b);
    }
    Broadcast add = c == null ? null : Broadcast.of(call, new int[] {m, n}, c.dims());
    float[] out = new float[m * n];
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int t = 0; t < k; t++) {
          double x = a.floats()[transA ? t * m + i : i * k + t];
          sum += x * b.floats()[transB ? j * k + t : t * n + j];
        }
        float shift = add == null ? 0 : beta * c.floats()[add.index(1, i * n + j)];
        out[i * n + j] = (float) (alpha * sum) + shift;
      }
    }
    return NdArray.of(out, m, n);
  }
}
