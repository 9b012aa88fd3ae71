package dev.changenet.testing;

import java.util.Map;

/** Compares the outputs of one op table row between two runs. */
public final class OpParity {
  private OpParity() {}

  /**
   * Fails unless every output differs from the expected one by at most the row's tolerance times
   * the output's largest absolute value, or times 0.01 when all of the output is 0: what cancels
   * there is about 1.
   */
  public static void assertClose(
      OpTable.Row row, Map<String, double[]> actual, Map<String, double[]> expected) {
    compare(row.name(), actual, expected, row.tolerance());
  }

  /** The same for a tolerance other than a row's. */
  public static void assertClose(
      String what, Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
    compare(what, actual, expected, tolerance);
  }

  /** Fails unless all outputs are equal bit by bit. */
  public static void assertIdentical(
      String what, Map<String, double[]> actual, Map<String, double[]> expected) {
    expected.forEach(
        (name, e) -> {
          double[] a = output(what, actual, name, e.length);
          for (int i = 0; i < e.length; i++) {
            if (Double.doubleToRawLongBits(a[i]) != Double.doubleToRawLongBits(e[i])) {
              throw new AssertionError(
                  what + ", " + name + "[" + i + "]: got " + a[i] + ", expected exactly " + e[i]);
            }
          }
        });
  }

  private static void compare(
      String what, Map<String, double[]> actual, Map<String, double[]> expected, double tolerance) {
    if (expected.isEmpty()) {
      throw new AssertionError(what + ": the row has no outputs");
    }
    expected.forEach(
        (name, e) -> {
          double[] a = output(what, actual, name, e.length);
          double largest = 0;
          for (double v : e) {
            largest = Math.max(largest, Math.abs(v));
          }
          if (largest == 0) {
            largest = 0.01;
          }
          for (int i = 0; i < e.length; i++) {
            // Written so that NaN fails.
            if (!(Math.abs(a[i] - e[i]) <= tolerance * largest)) {
              throw new AssertionError(
                  what
                      + ", "
                      + name
                      + "["
                      + i
                      + "]: got "
                      + a[i]
                      + ", expected "
                      + e[i]
                      + ", largest "
                      + largest
                      + ", tolerance "
                      + tolerance);
            }
          }
        });
  }

  private static double[] output(
      String what, Map<String, double[]> actual, String name, int length) {
    double[] a = actual.get(name);
    if (a == null || a.length != length) {
      throw new AssertionError(
          what
              + ": output "
              + name
              + " has "
              + (a == null ? "not been written" : a.length + " elements")
              + ", expected "
              + length
              + " elements");
    }
    return a;
  }
}
