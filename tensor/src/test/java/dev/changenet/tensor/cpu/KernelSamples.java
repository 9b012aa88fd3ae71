package dev.changenet.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import java.util.Random;
import java.util.function.Supplier;

/** Seeded inputs of kernel tests and the comparison with sums made in double precision. */
final class KernelSamples {
  private KernelSamples() {}

  static float[] random(long seed, int n) {
    Random random = new Random(seed);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  static Tensor randomTensor(long seed, int... shape) {
    int n = 1;
    for (int d : shape) {
      n *= d;
    }
    return Tensor.of(random(seed, n), shape);
  }

  /** Asserts that the largest difference is below {@code limit} times the expected rms. */
  static void assertClose(float[] actual, double[] expected, double limit) {
    assertThat(actual).hasSize(expected.length);
    double squares = 0;
    double worst = 0;
    int at = 0;
    for (int i = 0; i < expected.length; i++) {
      squares += expected[i] * expected[i];
      double error = Math.abs(actual[i] - expected[i]);
      // A NaN stays: no number is greater.
      if (error > worst || Double.isNaN(error)) {
        worst = error;
        at = i;
      }
    }
    double rms = Math.sqrt(squares / Math.max(1, expected.length));
    assertThat(worst)
        .as("error at %d of %d, rms %g", at, expected.length, rms)
        .isLessThanOrEqualTo(limit * Math.max(rms, 1e-30));
  }

  /** Root mean square of the error relative to the root mean square of the expected values. */
  static double relativeRms(float[] actual, double[] expected) {
    double squares = 0;
    double errors = 0;
    for (int i = 0; i < expected.length; i++) {
      squares += expected[i] * expected[i];
      errors += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    }
    return Math.sqrt(errors / squares);
  }

  /** Runs {@code kernel} with 1, 2 and 4 threads, asserts equal bits and returns the result. */
  static float[] sameForAnyThreads(Supplier<float[]> kernel) {
    int before = Parallel.threads();
    try {
      Parallel.setThreads(1);
      float[] one = kernel.get();
      for (int threads : new int[] {2, 4}) {
        Parallel.setThreads(threads);
        assertThat(kernel.get()).as("%d threads", threads).isEqualTo(one);
      }
      return one;
    } finally {
      Parallel.setThreads(before);
    }
  }
}
