package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.Gemm.Operand;
import dev.changenet.tensor.cpu.GemmTile.Epilogue;

/**
 * Two 3×3 convolutions with stride 1 and padding 1 in a row, c → m → o channels with o small, as
 * one 5×5 convolution c → o: tap d of the composed kernel is the sum over taps t of the second and
 * s of the first with t + s = d. What lies between is never computed, neither forward nor backward.
 *
 * <p>Along the border the composed kernel would continue the map between the two beyond its edge,
 * where the second convolution's padding puts zeros. What it adds there is taken off again: for an
 * output pixel of the first row all products of the second kernel's first row, which come from
 * input pixels of the first row alone, and so for each edge. In a corner two edges take off the
 * same product, which is put back.
 */
final class ConvolutionPair {
  private static final int TAPS = 9;
  private static final int EDGES = 4;

  /** Offsets along an edge: −2 … 2. */
  private static final int SPAN = 5;

  private final ConvSizes first;
  private final ConvSizes composed;
  private final int c;
  private final int m;
  private final int o;
  private final int h;
  private final int w;

  /**
   * @param first sizes of the first convolution
   * @param o channels of the second one's result
   */
  ConvolutionPair(ConvSizes first, int o) {
    this.first = first;
    this.c = first.c();
    this.m = first.o();
    this.o = o;
    this.h = first.h();
    this.w = first.w();
    this.composed = new ConvSizes(first.batch(), h, w, c, h, w, o, 5, 5, 1, 2);
  }

  /** True when the composed convolution is less work. */
  static boolean suits(ConvSizes first, int o) {
    return FewOutputsConvolution.suits(first.withOutputs(o)) && 25 * o < 4 * first.o();
  }

  /**
   * Kernels made of the two weights. Products: [(t·o + k), c·9 + s]. Edges, top, bottom, left,
   * right: [edge, offset, k, c]. Corners: [bottom·2 + right, k, c].
   */
  private record Kernels(float[] products, float[] composed, float[] edges, float[] corners) {
    static Kernels empty(ConvolutionPair p) {
      return new Kernels(
          new float[TAPS * p.o * TAPS * p.c],
          new float[p.c * 25 * p.o],
          new float[EDGES * SPAN * p.o * p.c],
          new float[4 * p.o * p.c]);
    }
  }

  /** Where a product of tap t of the second and s of the first kernel is used besides inside. */
  private interface Use {
    void at(int edge, int offset);
  }

  /** Calls {@code use} for every edge that takes off the product of taps t and s. */
  private static void forEdges(int t, int s, Use use) {
    int ty = t / 3 - 1;
    int tx = t % 3 - 1;
    int sy = s / 3 - 1;
    int sx = s % 3 - 1;
    // Beyond the edge with the second kernel and back to it with the first.
    if (ty != 0 && sy == -ty) {
      use.at(ty < 0 ? 0 : 1, tx + sx + 2);
    }
    if (tx != 0 && sx == -tx) {
      use.at(tx < 0 ? 2 : 3, ty + sy + 2);
    }
  }

  /** Corner of the product of taps t and s, bottom·2 + right, or −1. */
  private static int corner(int t, int s) {
    int ty = t / 3 - 1;
    int tx = t % 3 - 1;
    boolean there = ty != 0 && tx != 0 && s == TAPS - 1 - t;
    return there ? (ty > 0 ? 2 : 0) + (tx > 0 ? 1 : 0) : -1;
  }

  private static int tap(int t, int s) {
    return (t / 3 + s / 3) * 5 + t % 3 + s % 3;
  }

  /** w2 [o, m, 3, 3] as [(t·o + k), m]. */
  private float[] secondByTap(float[] w2) {
    float[] a = new float[TAPS * o * m];
    for (int k = 0; k < o; k++) {
      for (int i = 0; i < m; i++) {
        for (int t = 0; t < TAPS; t++) {
          a[(t * o + k) * m + i] = w2[(k * m + i) * TAPS + t];
        }
      }
    }
    return a;
  }

  private Kernels compose(float[] w1, float[] second) {
    Kernels kernels = Kernels.empty(this);
    int n = TAPS * c;
    Gemm.multiply(
        TAPS * o,
        n,
        m,
        Operand.of(second, m),
        Operand.of(w1, n),
        kernels.products,
        0,
        n,
        Epilogue.OVERWRITE);
    for (int t = 0; t < TAPS; t++) {
      for (int s = 0; s < TAPS; s++) {
        for (int k = 0; k < o; k++) {
          int from = (t * o + k) * n + s;
          int column = tap(t, s) * o + k;
          for (int i = 0; i < c; i++) {
            kernels.composed[i * 25 * o + column] += kernels.products[from + i * TAPS];
          }
          int out = k;
          forEdges(
              t,
              s,
              (edge, offset) -> {
                int to = ((edge * SPAN + offset) * o + out) * c;
                for (int i = 0; i < c; i++) {
                  kernels.edges[to + i] += kernels.products[from + i * TAPS];
                }
              });
          int corner = corner(t, s);
          if (corner >= 0) {
            for (int i = 0; i < c; i++) {
              kernels.corners[(corner * o + k) * c + i] += kernels.products[from + i * TAPS];
            }
          }
        }
      }
    }
    return kernels;
  }

  /** What the first convolution's bias becomes behind tap t of the second: [t, k]. */
  private float[] biases(float[] second, float[] b1) {
    float[] sums = new float[TAPS * o];
    for (int i = 0; i < sums.length; i++) {
      sums[i] = RowKernels.dot(second, i * m, b1, 0, m);
    }
    return sums;
  }

  private boolean inside(int y, int x) {
    return y >= 0 && y < h && x >= 0 && x < w;
  }

  /** Position along an edge to pixel of the map. */
  private int pixel(int image, int edge, int i) {
    int y = edge == 0 ? 0 : edge == 1 ? h - 1 : i;
    int x = edge == 2 ? 0 : edge == 3 ? w - 1 : i;
    return (image * h + y) * w + x;
  }

  private int cornerPixel(int image, int corner) {
    return (image * h + (corner >= 2 ? h - 1 : 0)) * w + (corner % 2 == 1 ? w - 1 : 0);
  }

  /** out [batch, h, w, o] = conv(conv(x; w1, b1); w2). */
  void forward(float[] x, float[] w1, float[] b1, float[] w2, float[] out) {
    float[] second = secondByTap(w2);
    Kernels kernels = compose(w1, second);
    new FewOutputsConvolution(composed).forward(x, kernels.composed, out, Epilogue.OVERWRITE);
    Parallel.forEach(first.batch(), image -> border(image, x, kernels, out));
    if (b1 != null) {
      addBiases(biases(second, b1), out);
    }
  }

  private void border(int image, float[] x, Kernels kernels, float[] out) {
    for (int edge = 0; edge < EDGES; edge++) {
      int length = edge < 2 ? w : h;
      for (int i = 0; i < length; i++) {
        int to = pixel(image, edge, i) * o;
        for (int d = Math.max(0, 2 - i); d < SPAN && i + d - 2 < length; d++) {
          int from = pixel(image, edge, i + d - 2) * c;
          for (int k = 0; k < o; k++) {
            int kernel = ((edge * SPAN + d) * o + k) * c;
            out[to + k] -= RowKernels.dot(kernels.edges, kernel, x, from, c);
          }
        }
      }
    }
    for (int corner = 0; corner < 4; corner++) {
      int p = cornerPixel(image, corner);
      for (int k = 0; k < o; k++) {
        out[p * o + k] += RowKernels.dot(kernels.corners, (corner * o + k) * c, x, p * c, c);
      }
    }
  }

  private void addBiases(float[] bias, float[] out) {
    float[] all = new float[o];
    for (int i = 0; i < bias.length; i++) {
      all[i % o] += bias[i];
    }
    Parallel.forEach(
        first.batch() * h,
        row -> {
          int y = row % h;
          for (int x = 0; x < w; x++) {
            int to = (row * w + x) * o;
            if (y > 0 && y < h - 1 && x > 0 && x < w - 1) {
              for (int k = 0; k < o; k++) {
                out[to + k] += all[k];
              }
              continue;
            }
            for (int t = 0; t < TAPS; t++) {
              if (inside(y + t / 3 - 1, x + t % 3 - 1)) {
                for (int k = 0; k < o; k++) {
                  out[to + k] += bias[t * o + k];
                }
              }
            }
          }
        });
  }

  /** Gradients of {@link #forward} from that of its result, {@code g}; any may be null. */
  void backward(
      float[] g,
      float[] x,
      float[] w1,
      float[] b1,
      float[] w2,
      float[] gradX,
      float[] gradW1,
      float[] gradB1,
      float[] gradW2) {
    float[] second = secondByTap(w2);
    Kernels kernels = compose(w1, second);
    Kernels gradients = Kernels.empty(this);
    new FewOutputsConvolution(composed).backward(g, x, kernels.composed, gradX, gradients.composed);
    for (int image = 0; image < first.batch(); image++) {
      borderBackward(image, g, x, kernels, gradX, gradients);
    }
    collect(gradients);
    float[] gradSecond = new float[TAPS * o * m];
    int n = TAPS * c;
    Gemm.multiply(
        TAPS * o,
        m,
        n,
        Operand.of(gradients.products, n),
        Operand.transposeOf(w1, n),
        gradSecond,
        0,
        m,
        Epilogue.OVERWRITE);
    if (gradW1 != null) {
      Gemm.multiply(
          m,
          n,
          TAPS * o,
          Operand.transposeOf(second, m),
          Operand.of(gradients.products, n),
          gradW1,
          0,
          n,
          Epilogue.OVERWRITE);
    }
    if (b1 != null) {
      biasBackward(g, b1, second, gradB1, gradSecond);
    }
    if (gradW2 != null) {
      for (int k = 0; k < o; k++) {
        for (int i = 0; i < m; i++) {
          for (int t = 0; t < TAPS; t++) {
            gradW2[(k * m + i) * TAPS + t] = gradSecond[(t * o + k) * m + i];
          }
        }
      }
    }
  }

  private void borderBackward(
      int image, float[] g, float[] x, Kernels kernels, float[] gradX, Kernels gradients) {
    for (int edge = 0; edge < EDGES; edge++) {
      int length = edge < 2 ? w : h;
      for (int i = 0; i < length; i++) {
        int at = pixel(image, edge, i) * o;
        for (int d = Math.max(0, 2 - i); d < SPAN && i + d - 2 < length; d++) {
          int from = pixel(image, edge, i + d - 2) * c;
          for (int k = 0; k < o; k++) {
            int kernel = ((edge * SPAN + d) * o + k) * c;
            add(-g[at + k], kernels.edges, kernel, x, from, gradX, gradients.edges);
          }
        }
      }
    }
    for (int corner = 0; corner < 4; corner++) {
      int p = cornerPixel(image, corner);
      for (int k = 0; k < o; k++) {
        int kernel = (corner * o + k) * c;
        add(g[p * o + k], kernels.corners, kernel, x, p * c, gradX, gradients.corners);
      }
    }
  }

  /** Adds g·kernel to the gradient of a pixel and g·pixel to that of the kernel. */
  private void add(
      float g, float[] kernel, int kp, float[] x, int xp, float[] gradX, float[] gradKernel) {
    for (int i = 0; i < c; i++) {
      gradKernel[kp + i] += g * x[xp + i];
    }
    if (gradX != null) {
      for (int i = 0; i < c; i++) {
        gradX[xp + i] += g * kernel[kp + i];
      }
    }
  }

  /** The products' gradients from those of the kernels made of them. */
  private void collect(Kernels gradients) {
    int n = TAPS * c;
    for (int t = 0; t < TAPS; t++) {
      for (int s = 0; s < TAPS; s++) {
        for (int k = 0; k < o; k++) {
          int to = (t * o + k) * n + s;
          int column = tap(t, s) * o + k;
          for (int i = 0; i < c; i++) {
            gradients.products[to + i * TAPS] = gradients.composed[i * 25 * o + column];
          }
          int out = k;
          forEdges(
              t,
              s,
              (edge, offset) -> {
                int from = ((edge * SPAN + offset) * o + out) * c;
                for (int i = 0; i < c; i++) {
                  gradients.products[to + i * TAPS] += gradients.edges[from + i];
                }
              });
          int corner = corner(t, s);
          if (corner >= 0) {
            for (int i = 0; i < c; i++) {
              gradients.products[to + i * TAPS] += gradients.corners[(corner * o + k) * c + i];
            }
          }
        }
      }
    }
  }

  private void biasBackward(
      float[] g, float[] b1, float[] second, float[] gradB1, float[] gradSecond) {
    double[] sums = new double[TAPS * o];
    for (int p = 0; p < first.batch() * h * w; p++) {
      int y = p / w % h;
      int x = p % w;
      for (int t = 0; t < TAPS; t++) {
        if (inside(y + t / 3 - 1, x + t % 3 - 1)) {
          for (int k = 0; k < o; k++) {
            sums[t * o + k] += g[p * o + k];
          }
        }
      }
    }
    for (int i = 0; i < m; i++) {
      double sum = 0;
      for (int tk = 0; tk < TAPS * o; tk++) {
        gradSecond[tk * m + i] += (float) sums[tk] * b1[i];
        sum += sums[tk] * second[tk * m + i];
      }
      if (gradB1 != null) {
        gradB1[i] = (float) sum;
      }
    }
  }
}
