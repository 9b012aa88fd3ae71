package dev.changenet.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.backend.Backend;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.testing.Npy;

/**
 * A golden case on one device: loads its files as tensors and compares results with them. Maps are
 * stored [B, C, H, W] and used [B, H, W, C].
 */
final class GoldenRun {
  final GoldenCase golden;
  final Backend backend;
  private final Device device;
  private final DType dtype;
  private final double tolerance;

  GoldenRun(GoldenCase golden, Device device, DType dtype, double tolerance) {
    this.golden = golden;
    this.device = device;
    this.dtype = dtype;
    this.tolerance = tolerance;
    this.backend = Backends.of(device);
  }

  /** Returns the stored array in its own layout. */
  Tensor load(String file) {
    Npy npy = golden.read(file);
    return tensor(npy.values(), dtype, npy.shape());
  }

  /** Returns a stored map channels-last. */
  Tensor loadMap(String file) {
    Npy npy = golden.read(file);
    int[] s = npy.shape();
    double[] values = swap(npy.values(), s[0], s[1], s[2] * s[3]);
    return tensor(values, dtype, s[0], s[2], s[3], s[1]);
  }

  Tensor loadLabels(String file) {
    Npy npy = golden.read(file);
    int[] s = npy.shape();
    return tensor(npy.values(), DType.INT32, s[0], s[2], s[3]);
  }

  /**
   * Returns the upstream gradient of a result of {@code out}'s shape; ones where none is stored.
   */
  Tensor loadMapGradient(Tensor out) {
    return golden.has("grad_out")
        ? loadMap("grad_out")
        : Tensor.full(out.shape(), dtype, device, 1);
  }

  private Tensor tensor(double[] values, DType type, int... shape) {
    Tensor t = Tensor.empty(Shape.of(shape), type, device);
    for (int i = 0; i < values.length; i++) {
      t.set(i, values[i]);
    }
    return t;
  }

  Tensor empty(int... shape) {
    return Tensor.full(Shape.of(shape), dtype, device, Double.NaN);
  }

  Tensor emptyLike(Tensor t) {
    return empty(t.shape().toArray());
  }

  /** Checks a result in the stored layout. */
  void check(Tensor actual, String file) {
    compare(values(actual), golden.read(file).values(), file);
  }

  /** Checks a channels-last result with a stored map. */
  void checkMap(Tensor actual, String file) {
    Npy npy = golden.read(file);
    int[] s = npy.shape();
    assertThat(actual.shape()).isEqualTo(Shape.of(s[0], s[2], s[3], s[1]));
    compare(swap(values(actual), s[0], s[2] * s[3], s[1]), npy.values(), file);
  }

  static double[] values(Tensor t) {
    double[] v = new double[(int) t.elements()];
    for (int i = 0; i < v.length; i++) {
      v[i] = t.at(i);
    }
    return v;
  }

  void compare(double[] actual, double[] expected, String what) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    double largest = 0;
    for (double e : expected) {
      largest = Math.max(largest, Math.abs(e));
    }
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(actual[i] - expected[i]);
      // Written so that NaN fails.
      if (!(difference <= tolerance * largest)) {
        throw new AssertionError(
            golden
                + " "
                + what
                + "["
                + i
                + "]: got "
                + actual[i]
                + ", expected "
                + expected[i]
                + ", largest "
                + largest
                + ", tolerance "
                + tolerance);
      }
    }
  }

  /** Returns x of [batch, rows, cols] as [batch, cols, rows]. */
  static double[] swap(double[] x, int batch, int rows, int cols) {
    double[] y = new double[x.length];
    for (int b = 0; b < batch; b++) {
      for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
          y[(b * cols + j) * rows + i] = x[(b * rows + i) * cols + j];
        }
      }
    }
    return y;
  }
}
