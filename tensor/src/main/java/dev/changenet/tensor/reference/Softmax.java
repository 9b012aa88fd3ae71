package dev.changenet.tensor.reference;

/** Max-subtracted softmax over equally spaced elements of an array. */
final class Softmax {
  private Softmax() {}

  /**
   * Writes the softmax of x[start + i·stride], i = 0 … n − 1, to the same places of {@code out}
   * (which may be x) and returns the log of the sum of exponentials.
   */
  static double forward(double[] x, int start, int stride, int n, double[] out) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[start + i * stride]);
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double e = Math.exp(x[start + i * stride] - max);
      out[start + i * stride] = e;
      sum += e;
    }
    for (int i = 0; i < n; i++) {
      out[start + i * stride] /= sum;
    }
    return max + Math.log(sum);
  }

  /** gradX = p·(g − Σ p·g) over the same elements; {@code gradX} may be {@code g}. */
  static void backward(double[] p, double[] g, int start, int stride, int n, double[] gradX) {
    double dot = 0;
    for (int i = 0; i < n; i++) {
      dot += p[start + i * stride] * g[start + i * stride];
    }
    for (int i = 0; i < n; i++) {
      int k = start + i * stride;
      gradX[k] = p[k] * (g[k] - dot);
    }
  }
}
