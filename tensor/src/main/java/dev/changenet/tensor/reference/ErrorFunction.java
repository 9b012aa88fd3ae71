package dev.changenet.tensor.reference;

/** The Gauss error function to double precision. */
final class ErrorFunction {
  private static final double TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

  /** The series needs ever more terms, the continued fraction ever fewer, as |x| grows. */
  private static final double SERIES_LIMIT = 2.5;

  private ErrorFunction() {}

  /** Returns erf(x). */
  static double erf(double x) {
    double a = Math.abs(x);
    return Math.copySign(a < SERIES_LIMIT ? series(a) : 1 - complement(a), x);
  }

  /** 2/√π · exp(−x²) · Σ x·(2x²)ⁿ / (1·3·5 … (2n+1)): all terms are positive, nothing cancels. */
  private static double series(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; term > sum * 1e-17; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
  }

  /** erfc(x) = exp(−x²)/√π / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), from the inside out. */
  private static double complement(double x) {
    double fraction = x;
    for (int n = 80; n >= 1; n--) {
      fraction = x + n / 2.0 / fraction;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
  }
}
