package dev.changenet.testing;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.List;
import java.util.Map;

/** The op table's rows with two-byte activations and float32 parameters. */
public final class HalfRows {
  private static final List<String> POINTWISE =
      List.of("elementwise.", "normalization.", "resample.");
  private static final List<String> PRODUCTS =
      List.of("dense.", "convolution.", "attention.", "loss.", "sampling.");

  /** A product of two-byte operands, rounded once more at its end, relative to the largest. */
  private static final double BFLOAT16 = 2e-2;

  private static final double FLOAT16 = 2.5e-3;

  /** Rounds inputs to the type asked for, but holds two-byte floats in float32. */
  private static final OpTransfer ROUNDING =
      new OpTransfer() {
        @Override
        public Tensor upload(double[] values, int[] shape, DType dtype, Device device) {
          if (!dtype.isHalf()) {
            return HEAP.upload(values, shape, dtype, device);
          }
          try (Tensor rounded = HEAP.upload(values, shape, dtype, Device.CPU).detached()) {
            return HEAP.upload(HEAP.download(rounded), shape, DType.FLOAT32, device);
          }
        }

        @Override
        public double[] download(Tensor tensor) {
          return HEAP.download(tensor);
        }
      };

  private HalfRows() {}

  /** True for a row whose result is the reference's on the rounded inputs, rounded once. */
  public static boolean isPointwise(OpTable.Row row) {
    return POINTWISE.stream().anyMatch(row.name()::startsWith);
  }

  /** True for products, convolutions, attention, losses and sampling. */
  public static boolean isProduct(OpTable.Row row) {
    return PRODUCTS.stream().anyMatch(row.name()::startsWith);
  }

  /** What the reference computes from inputs rounded to {@code dtype}. */
  public static Map<String, double[]> expected(OpTable.Row row, DType dtype) {
    return row.run(Backends.of(Device.REFERENCE), Device.REFERENCE, dtype, ROUNDING);
  }

  /**
   * Fails unless {@code actual} is {@code expected} up to the rounding of {@code dtype}.
   *
   * @param row one of these rows
   */
  public static void assertClose(
      OpTable.Row row, DType dtype, Map<String, double[]> actual, Map<String, double[]> expected) {
    boolean brain = dtype == DType.BFLOAT16;
    if (isProduct(row)) {
      // Two convolutions round the weights that they are composed to as well.
      int roundings = row.name().contains("Pair") ? 2 : 1;
      OpParity.assertClose(
          row.name() + " " + dtype, actual, expected, roundings * (brain ? BFLOAT16 : FLOAT16));
      return;
    }
    if (expected.isEmpty() || !actual.keySet().equals(expected.keySet())) {
      throw new AssertionError(
          row.name() + ": got outputs " + actual.keySet() + ", expected " + expected.keySet());
    }
    expected.forEach(
        (name, e) ->
            compare(
                row.name() + " " + dtype + ", " + name,
                actual.get(name),
                e,
                brain ? 0x1p-8 : 0x1p-11,
                row.tolerance() + 0x1p-23));
  }

  private static void compare(
      String what, double[] actual, double[] expected, double rounding, double tolerance) {
    double largest = 0;
    for (double v : expected) {
      largest = Math.max(largest, Math.abs(v));
    }
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(actual[i] - expected[i]);
      // Written so that NaN fails.
      if (!(error <= rounding * Math.abs(expected[i]) + tolerance * largest)) {
        throw new AssertionError(
            what + "[" + i + "]: got " + actual[i] + ", expected " + expected[i]);
      }
    }
  }
}
