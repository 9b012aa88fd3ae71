package dev.changenet.check;

/**
 * Finds how far one picture is shifted against another: the inverse transform of the normalised
 * cross-power spectrum has a peak at the shift. Source: Kuglin and Hines, "The phase correlation
 * image alignment method", 1975. It looks at edges, because brightness differs between dates.
 */
final class PhaseCorrelation {
  private static final int MOST = 128;
  private static final int LEAST = 32;

  private PhaseCorrelation() {}

  /**
   * How well B fits A at each shift.
   *
   * @param side n: shifts of −n/2 to n/2 − 1 units
   * @param step pixels per unit
   * @param values n·n; place [y, x] is the fit when B's content lies x units to the right of A's
   *     and y below, both modulo n; the sum is about 1 for a pure shift, concentrated in one place
   */
  record Surface(int side, int step, double[] values) {}

  /** Compares pictures of the same size; null when they are too small. */
  static Surface between(GreyImage a, GreyImage b) {
    int side = Math.min(a.width(), a.height());
    if (side < LEAST) {
      return null;
    }
    int n = Math.min(MOST, Integer.highestOneBit(side));
    int factor = Math.max(1, side / n);
    double[] re = edges(a, n, factor);
    double[] im = edges(b, n, factor);
    transform(re, im, n, false);
    double[] pr = new double[n * n];
    double[] pi = new double[n * n];
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        int i = y * n + x;
        int j = (n - y) % n * n + (n - x) % n;
        // One transform of a + ib holds those of both, as real pictures have symmetric ones.
        double ar = (re[i] + re[j]) / 2;
        double ai = (im[i] - im[j]) / 2;
        double br = (im[i] + im[j]) / 2;
        double bi = (re[j] - re[i]) / 2;
        double r = br * ar + bi * ai;
        double m = bi * ar - br * ai;
        double length = Math.sqrt(r * r + m * m);
        if (length > 0) {
          pr[i] = r / length;
          pi[i] = m / length;
        }
      }
    }
    transform(pr, pi, n, true);
    return new Surface(n, factor * a.scale(), pr);
  }

  /** Length of the grey gradient over the middle n·factor square, faded out at the border. */
  private static double[] edges(GreyImage image, int n, int factor) {
    int left = (image.width() - n * factor) / 2;
    int top = (image.height() - n * factor) / 2;
    double[] small = new double[n * n];
    for (int y = 0; y < n * factor; y++) {
      for (int x = 0; x < n * factor; x++) {
        small[y / factor * n + x / factor] += image.values()[(top + y) * image.width() + left + x];
      }
    }
    double[] out = new double[n * n];
    double mean = 0;
    for (int y = 1; y < n - 1; y++) {
      for (int x = 1; x < n - 1; x++) {
        double gx = small[y * n + x + 1] - small[y * n + x - 1];
        double gy = small[(y + 1) * n + x] - small[(y - 1) * n + x];
        out[y * n + x] = Math.sqrt(gx * gx + gy * gy);
        mean += out[y * n + x] / ((n - 2) * (n - 2));
      }
    }
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        double window = hann(x, n) * hann(y, n);
        out[y * n + x] = (out[y * n + x] - mean) * window;
      }
    }
    return out;
  }

  private static double hann(int i, int n) {
    return 0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / n);
  }

  /** Fourier transform of an n×n picture in place, n a power of two. */
  private static void transform(double[] re, double[] im, int n, boolean inverse) {
    double[] r = new double[n];
    double[] m = new double[n];
    double[] cos = new double[n / 2];
    double[] sin = new double[n / 2];
    for (int k = 0; k < n / 2; k++) {
      cos[k] = Math.cos(2 * Math.PI * k / n);
      sin[k] = (inverse ? 1 : -1) * Math.sin(2 * Math.PI * k / n);
    }
    for (int pass = 0; pass < 2; pass++) {
      int along = pass == 0 ? 1 : n;
      int between = pass == 0 ? n : 1;
      for (int line = 0; line < n; line++) {
        int at = line * between;
        for (int k = 0; k < n; k++) {
          r[k] = re[at + k * along];
          m[k] = im[at + k * along];
        }
        transformLine(r, m, cos, sin);
        double scale = inverse ? 1.0 / n : 1;
        for (int k = 0; k < n; k++) {
          re[at + k * along] = r[k] * scale;
          im[at + k * along] = m[k] * scale;
        }
      }
    }
  }

  /** Source: Cooley and Tukey, 1965, radix 2. */
  private static void transformLine(double[] re, double[] im, double[] cos, double[] sin) {
    int n = re.length;
    int shift = Integer.numberOfLeadingZeros(n) + 1;
    for (int i = 0; i < n; i++) {
      int j = Integer.reverse(i) >>> shift;
      if (j > i) {
        double r = re[i];
        double m = im[i];
        re[i] = re[j];
        im[i] = im[j];
        re[j] = r;
        im[j] = m;
      }
    }
    for (int half = 1; half < n; half *= 2) {
      int stride = n / 2 / half;
      for (int k = 0; k < half; k++) {
        double c = cos[k * stride];
        double s = sin[k * stride];
        for (int i = k; i < n; i += 2 * half) {
          int j = i + half;
          double r = re[j] * c - im[j] * s;
          double m = re[j] * s + im[j] * c;
          re[j] = re[i] - r;
          im[j] = im[i] - m;
          re[i] += r;
          im[i] += m;
        }
      }
    }
  }
}
