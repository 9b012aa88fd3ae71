package dev.changenet.benchmark;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Attention.Heads;
import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.ResizeGeometry;

/** Single kernels of the CPU backend as cases. */
final class KernelCases {
  private static final Backend BACKEND = Backends.of(Device.CPU);

  private KernelCases() {}

  /** A kernel with its result tensor. */
  private record Kernel(
      Runnable body, Tensor out, int batch, int channels, double flops, double bytes)
      implements Case {
    @Override
    public void run() {
      body.run();
    }

    /** Channels-last maps are brought to [B, C, H, W]. */
    @Override
    public float[] output() {
      float[] y = out.toFloatArray();
      if (channels == 0) {
        return y;
      }
      int pixels = y.length / batch / channels;
      float[] nchw = new float[y.length];
      for (int b = 0; b < batch; b++) {
        for (int p = 0; p < pixels; p++) {
          for (int c = 0; c < channels; c++) {
            nchw[(b * channels + c) * pixels + p] = y[(b * pixels + p) * channels + c];
          }
        }
      }
      return nchw;
    }

    @Override
    public void close() {
      // Its tensors belong to the scope that the caller has open.
    }
  }

  /** The case of {@code s}, or null when it names no kernel. Tensors belong to the open scope. */
  static Case of(CaseSpec s) {
    return switch (s.op()) {
      case "sgemm" -> matmul(s.get("m", 0), s.get("n", 0), s.get("k", 0));
      case "linear" ->
          linear(s.get("r", 256), s.get("c", 384), s.get("o", 384), s.get("dir", "fwd"));
      case "conv2d" -> convolution(s, false);
      case "deconv2d" -> convolution(s, true);
      case "gelu" -> activation(Activation.GELU, s);
      case "relu" -> activation(Activation.RELU, s);
      case "add" -> add(s.get("r", 512), s.get("c", 384));
      case "layernorm" -> layerNorm(s.get("r", 512), s.get("c", 384), s.get("dir", "fwd"));
      case "batchnorm" -> batchNorm(s.get("r", 512), s.get("c", 384), s.get("dir", "fwd"));
      case "softmax" -> softmax(s.get("r", 512), s.get("c", 384));
      case "attn" -> attention(s.get("b", 4), s.get("heads", 8), s.get("t", 256), s.get("d", 48));
      case "resize" -> resize(s.get("n", 1), s.get("h", 64), s.get("c", 256), s.get("dir", "fwd"));
      default -> null;
    };
  }

  private static Tensor tensor(long seed, int... shape) {
    return Tensor.of(CaseSpec.data((int) Shape.of(shape).elements(), seed), shape);
  }

  /** A map with the values of [n, c, h, w], stored channels last. */
  private static Tensor map(long seed, int n, int c, int h, int w) {
    float[] x = CaseSpec.data(n * c * h * w, seed);
    Tensor t = empty(n, h, w, c);
    BACKEND.elementwise().transpose(Tensor.of(x, n, c, h, w), n, c, h * w, t);
    return t;
  }

  private static Tensor empty(int... shape) {
    return Tensor.empty(Shape.of(shape), DType.FLOAT32, Device.CPU);
  }

  private static Case dense(Runnable body, Tensor out, double flops) {
    return new Kernel(body, out, 0, 0, flops, 0);
  }

  private static Case moving(Runnable body, Tensor out, double streams) {
    return new Kernel(body, out, 0, 0, 0, 4 * streams * out.elements());
  }

  private static Case matmul(int m, int n, int k) {
    Tensor a = tensor(1, 1, m, k);
    Tensor b = tensor(2, 1, k, n);
    Tensor c = empty(1, m, n);
    return dense(() -> BACKEND.dense().matmul(a, false, b, false, c), c, 2.0 * m * n * k);
  }

  private static Case linear(int rows, int in, int outs, String dir) {
    Tensor x = tensor(1, rows, in);
    Tensor w = tensor(2, outs, in);
    Tensor b = tensor(3, outs);
    Tensor g = tensor(4, rows, outs);
    Tensor y = empty(rows, outs);
    Tensor gx = empty(rows, in);
    Tensor gw = empty(outs, in);
    Tensor gb = empty(outs);
    double flops = 2.0 * rows * in * outs;
    return switch (dir) {
      case "bwdx" -> dense(() -> BACKEND.dense().linearBackwardInput(g, w, gx), gx, flops);
      case "bwdw" -> dense(() -> BACKEND.dense().linearBackwardWeight(g, x, gw, gb), gw, flops);
      default -> dense(() -> BACKEND.dense().linear(x, w, b, y), y, flops);
    };
  }

  private static Case convolution(CaseSpec s, boolean transposed) {
    int n = s.get("n", 1);
    int c = s.get("c", 256);
    int o = s.get("o", c);
    int h = s.get("h", 64);
    int w = s.get("w", h);
    int k = s.get("k", 3);
    int groups = s.get("g", 1);
    ConvGeometry geometry = new ConvGeometry(s.get("s", 1), s.get("p", k / 2), groups);
    int oh = transposed ? geometry.transposedOutSize(h, k) : geometry.outSize(h, k);
    int ow = transposed ? geometry.transposedOutSize(w, k) : geometry.outSize(w, k);
    String dir = s.get("dir", "fwd");
    Tensor x = map(1, n, c, h, w);
    Tensor weight = transposed ? tensor(2, c, o / groups, k, k) : tensor(2, o, c / groups, k, k);
    Tensor bias = tensor(3, o);
    Tensor y = empty(n, oh, ow, o);
    Tensor g = map(4, n, o, oh, ow);
    Tensor gx = x.emptyLike();
    Tensor gw = weight.emptyLike();
    Tensor gb = bias.emptyLike();
    Convolution kernels = BACKEND.convolution();
    Runnable forward =
        transposed
            ? () -> kernels.convTranspose2d(x, weight, bias, geometry, y)
            : () -> kernels.conv2d(x, weight, bias, geometry, false, y);
    Runnable input =
        transposed
            ? () -> kernels.convTranspose2dBackwardInput(g, weight, geometry, gx)
            : () -> kernels.conv2dBackwardInput(g, weight, geometry, gx);
    Runnable weights =
        transposed
            ? () -> kernels.convTranspose2dBackwardWeight(g, x, geometry, gw, gb)
            : () -> kernels.conv2dBackwardWeight(g, x, geometry, gw, gb);
    double flops = 2.0 * n * (transposed ? h * w : oh * ow) * c * o / groups * k * k;
    // A weight that is trained changes every step: its packed copies count.
    Runnable changed = () -> weight.storage().changed();
    boolean training = !s.get("weights", "kept").equals("kept");
    Runnable first = training ? changed : () -> {};
    return switch (dir) {
      case "bwdx" -> new Kernel(() -> inOrder(first, input), gx, n, c, flops, 0);
      case "bwdw" -> new Kernel(weights, gw, 0, 0, flops, 0);
      case "bwd" -> new Kernel(() -> inOrder(first, input, weights), gx, n, c, 2 * flops, 0);
      case "fwdbwd" ->
          new Kernel(() -> inOrder(changed, forward, input, weights), gx, n, c, 3 * flops, 0);
      default -> new Kernel(() -> inOrder(first, forward), y, n, o, flops, 0);
    };
  }

  private static void inOrder(Runnable... parts) {
    for (Runnable part : parts) {
      part.run();
    }
  }

  private static Case activation(Activation f, CaseSpec s) {
    int r = s.get("r", 512);
    int c = s.get("c", 384);
    Tensor x = tensor(1, r, c);
    Tensor g = tensor(4, r, c);
    Tensor y = empty(r, c);
    if (s.get("dir", "fwd").equals("fwd")) {
      return moving(() -> BACKEND.elementwise().activation(f, x, y), y, 2);
    }
    return moving(() -> BACKEND.elementwise().activationBackward(f, x, g, y), y, 3);
  }

  private static Case add(int r, int c) {
    Tensor a = tensor(1, r, c);
    Tensor b = tensor(2, r, c);
    Tensor y = empty(r, c);
    return moving(() -> BACKEND.elementwise().add(a, b, 1f, y), y, 3);
  }

  private static Case layerNorm(int r, int c, String dir) {
    Tensor x = tensor(1, r, c);
    Tensor w = tensor(2, c);
    Tensor b = tensor(3, c);
    Tensor g = tensor(4, r, c);
    Tensor y = empty(r, c);
    Tensor mean = empty(r);
    Tensor rstd = empty(r);
    Tensor gw = empty(c);
    Tensor gb = empty(c);
    Runnable forward = () -> BACKEND.normalization().layerNorm(x, w, b, 1e-5, false, y, mean, rstd);
    if (dir.equals("fwd")) {
      return moving(forward, y, 2);
    }
    forward.run();
    return moving(
        () -> BACKEND.normalization().layerNormBackward(g, x, w, mean, rstd, false, y, gw, gb),
        y,
        3);
  }

  private static Case batchNorm(int r, int c, String dir) {
    Tensor x = tensor(1, r, c);
    Tensor w = tensor(2, c);
    Tensor b = tensor(3, c);
    Tensor g = tensor(4, r, c);
    Tensor y = empty(r, c);
    Tensor mean = empty(c);
    Tensor variance = empty(c);
    Tensor gw = empty(c);
    Tensor gb = empty(c);
    Runnable forward =
        () -> {
          BACKEND.normalization().batchStatistics(x, mean, variance);
          BACKEND.normalization().batchNorm(x, mean, variance, w, b, 1e-5, y);
        };
    if (dir.equals("fwd")) {
      return moving(forward, y, 3);
    }
    forward.run();
    return moving(
        () ->
            BACKEND
                .normalization()
                .batchNormBackward(g, x, mean, variance, w, 1e-5, true, y, gw, gb),
        y,
        5);
  }

  private static Case softmax(int r, int c) {
    Tensor x = tensor(1, r, c);
    Tensor y = empty(r, c);
    return moving(() -> BACKEND.attention().softmax(x, y), y, 2);
  }

  private static Case attention(int b, int heads, int t, int d) {
    Tensor[] qkv = new Tensor[3];
    for (int i = 0; i < 3; i++) {
      // [b, heads, t, d] to [b, t, heads, d]
      float[] x = CaseSpec.data(b * heads * t * d, 1 + i);
      float[] y = new float[x.length];
      for (int n = 0; n < b; n++) {
        for (int h = 0; h < heads; h++) {
          for (int k = 0; k < t; k++) {
            System.arraycopy(x, ((n * heads + h) * t + k) * d, y, ((n * t + k) * heads + h) * d, d);
          }
        }
      }
      qkv[i] = Tensor.of(y, b, t, heads * d);
    }
    Tensor out = empty(b, t, heads * d);
    Tensor lse = empty(b, heads, t);
    float scale = (float) (1 / Math.sqrt(d));
    return new Kernel(
        () ->
            BACKEND
                .attention()
                .attention(
                    new Heads(qkv[0], 0),
                    new Heads(qkv[1], 0),
                    new Heads(qkv[2], 0),
                    heads,
                    scale,
                    out,
                    lse),
        out,
        0,
        0,
        4.0 * b * heads * t * t * d,
        0);
  }

  private static Case resize(int n, int h, int c, String dir) {
    Tensor x = map(1, n, c, h, h);
    Tensor y = empty(n, 2 * h, 2 * h, c);
    ResizeGeometry geometry = new ResizeGeometry(ResizeGeometry.Mode.BILINEAR, false, 0.5, 0.5);
    double bytes = 4.0 * (x.elements() + y.elements());
    if (dir.equals("fwd")) {
      return new Kernel(() -> BACKEND.resample().resize(x, geometry, y), y, n, c, 0, bytes);
    }
    Tensor g = map(4, n, c, 2 * h, 2 * h);
    Tensor gx = x.emptyLike();
    return new Kernel(() -> BACKEND.resample().resizeBackward(g, geometry, gx), gx, n, c, 0, bytes);
  }
}
