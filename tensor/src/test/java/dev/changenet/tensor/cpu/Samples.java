package dev.changenet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import java.util.Random;
import java.util.function.Supplier;

/** Seeded inputs and comparisons for kernel tests. */
final class Samples {
  private Samples() {}

  /** Normally distributed values of the given standard deviation. */
  static float[] normal(long seed, int n, double deviation) {
    Random random = new Random(seed);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (random.nextGaussian() * deviation);
    }
    return x;
  }

  static Tensor tensor(long seed, int... shape) {
    int n = 1;
    for (int d : shape) {
      n *= d;
    }
    return Tensor.of(normal(seed, n, 1), shape);
  }

  /** A tensor whose content shows when a kernel leaves an element unwritten. */
  static Tensor unwritten(int... shape) {
    Tensor t = tensor(0, shape);
    java.util.Arrays.fill(t.floats(), Float.NaN);
    return t;
  }

  /**
   * Largest difference is at most {@code tolerance} times the largest expected magnitude (or 1).
   */
  static void assertClose(float[] actual, double[] expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected);
    double scale = 1;
    for (double e : expected) {
      scale = Math.max(scale, Math.abs(e));
    }
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(actual[i] - expected[i]);
      assertThat(difference <= tolerance * scale)
          .as("element %d: got %s, expected %s", i, actual[i], expected[i])
          .isTrue();
    }
  }

  /** Runs the computation with 1, 2 and 4 threads and asserts the same bits each time. */
  static void assertSameForAnyThreadCount(Supplier<float[][]> computation) {
    int before = Parallel.threads();
    try {
      float[][] first = null;
      for (int threads : new int[] {1, 2, 4}) {
        Parallel.setThreads(threads);
        float[][] results = computation.get();
        if (first == null) {
          first = results;
        }
        for (int i = 0; i < results.length; i++) {
          assertThat(java.util.Arrays.equals(results[i], first[i]))
              .as("result %d with %d threads equals that with 1", i, threads)
              .isTrue();
        }
      }
    } finally {
      Parallel.setThreads(before);
    }
  }

  /** The error function by its power series; beyond ±4.5 it is ±1 to 2e-10. */
  static double erf(double x) {
    if (Math.abs(x) > 4.5) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int k = 1; k < 120; k++) {
      term *= -x * x / k;
      sum += term / (2 * k + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }
}
