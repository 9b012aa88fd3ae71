package dev.changenet.onnx.interpreter;

import java.util.stream.IntStream;

/** Operators that compute one element from one element of each operand. */
final class Pointwise {
  private static final int CHUNK = 1 << 14;

  private Pointwise() {}

  /** A function of one number. */
  interface Unary {
    double apply(double x);
  }

  /** A function of two floats. */
  interface Binary {
    float apply(float x, float y);
  }

  static NdArray unary(Call call, Unary f) {
    NdArray x = call.input(0);
    float[] in = x.floats();
    float[] out = new float[in.length];
    IntStream.range(0, (in.length + CHUNK - 1) / CHUNK)
        .parallel()
        .forEach(
            c -> {
              int end = Math.min(in.length, (c + 1) * CHUNK);
              for (int i = c * CHUNK; i < end; i++) {
                out[i] = (float) f.apply(in[i]);
              }
            });
    return NdArray.of(out, x.dims());
  }

  static NdArray binary(Call call, Binary f) {
    NdArray a = call.input(0);
    NdArray b = call.input(1);
    Broadcast shape = Broadcast.of(call, a.dims(), b.dims());
    float[] x = a.floats();
    float[] y = b.floats();
    float[] out = new float[NdArray.count(shape.dims())];
    int run = shape.run();
    int stepX = shape.step(0);
    int stepY = shape.step(1);
    int runs = out.length / Math.max(1, run);
    IntStream.range(0, runs)
        .parallel()
        .forEach(
            r -> {
              int at = r * run;
              int i = shape.index(0, at);
              int j = shape.index(1, at);
              for (int k = 0; k < run; k++) {
                out[at + k] = f.apply(x[i + k * stepX], y[j + k * stepY]);
              }
            });
    return NdArray.of(out, shape.dims());
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** GELU with the error function; the approximation by tanh is another operator to us. */
  static NdArray gelu(Call call) {
    String form = call.text("approximate", "none");
    call.require(form.equals("none"), "approximate " + form);
    return unary(call, x -> 0.5 * x * (1 + ErrorFunction.erf(x / Math.sqrt(2))));
  }
}
