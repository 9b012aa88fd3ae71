package dev.changenet.tensor.reference;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;

/** A tensor's content as doubles: read once at a kernel's start, written once at its end. */
final class Doubles {
  private Doubles() {}

  /**
   * Returns the elements of {@code t}, or null for null. The result may be the backing array:
   * callers read it only, and write results to arrays of their own.
   */
  static double[] of(Tensor t) {
    if (t == null) {
      return null;
    }
    if (t.dtype() == DType.FLOAT64) {
      return t.doubles();
    }
    int n = (int) t.elements();
    double[] values = new double[n];
    if (t.dtype() == DType.FLOAT32) {
      float[] f = t.floats();
      for (int i = 0; i < n; i++) {
        values[i] = f[i];
      }
    } else {
      for (int i = 0; i < n; i++) {
        values[i] = t.at(i);
      }
    }
    return values;
  }

  /**
   * Writes {@code values} to {@code t}, rounded to its type; does nothing when {@code t} is null.
   */
  static void write(double[] values, Tensor t) {
    if (t == null) {
      return;
    }
    if (values.length != t.elements()) {
      throw new IllegalArgumentException(
          "result has " + values.length + " elements, expected " + t.elements() + " for " + t);
    }
    switch (t.dtype()) {
      case FLOAT64 -> System.arraycopy(values, 0, t.doubles(), 0, values.length);
      case FLOAT32 -> {
        float[] f = t.floats();
        for (int i = 0; i < values.length; i++) {
          f[i] = (float) values[i];
        }
      }
      case INT32, INT64, BFLOAT16, FLOAT16 -> {
        for (int i = 0; i < values.length; i++) {
          t.set(i, values[i]);
        }
      }
    }
  }
}
