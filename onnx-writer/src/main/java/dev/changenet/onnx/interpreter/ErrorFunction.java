package dev.changenet.onnx.interpreter;

/**
 * The error function: values at multiples of 1/64 from the series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) /
 * (1·3·…·(2n+1)), in between four terms of Taylor's series. Error below 1e−9.
 */
final class ErrorFunction {
  private static final double LIMIT = 6;
  private static final int PER_UNIT = 64;
  private static final double[] VALUES = new double[(int) (LIMIT * PER_UNIT) + 2];
  private static final double[] SLOPES = new double[VALUES.length];

  static {
    for (int i = 0; i < VALUES.length; i++) {
      double x = (double) i / PER_UNIT;
      SLOPES[i] = 2 / Math.sqrt(Math.PI) * Math.exp(-x * x);
      double term = x;
      double sum = 0;
      for (int n = 1; term > 1e-18 * sum; n++) {
        sum += term;
        term *= 2 * x * x / (2 * n + 1);
      }
      VALUES[i] = SLOPES[i] * sum;
    }
  }

  private ErrorFunction() {}

  static double erf(double x) {
    double a = Math.abs(x);
    if (!(a < LIMIT)) {
      return Double.isNaN(x) ? x : Math.signum(x);
    }
    int i = (int) Math.round(a * PER_UNIT);
    double x0 = (double) i / PER_UNIT;
    double d = a - x0;
    // Derivatives of e^(−x²): −2x, 4x²−2, −8x³+12x times itself.
    double series =
        1 + d * (-x0 + d * ((4 * x0 * x0 - 2) / 6 + d * (12 * x0 - 8 * x0 * x0 * x0) / 24));
    return Math.copySign(VALUES[i] + SLOPES[i] * d * series, x);
  }
}
