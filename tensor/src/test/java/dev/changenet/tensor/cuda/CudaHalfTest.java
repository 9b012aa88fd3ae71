package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import dev.changenet.testing.OpTransfer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The op table's pointwise rows with two-byte activations and float32 parameters: the result is the
 * reference's on the rounded inputs, rounded once.
 */
@Tag("cuda-stub")
class CudaHalfTest {
  private static CudaStub stub;

  @BeforeAll
  static void build() {
    stub = CudaStub.build();
  }

  @AfterEach
  void restoreOrder() {
    stub.setReverse(false);
  }

  static List<OpTable.Row> rows() {
    return OpTable.rows().stream()
        .filter(r -> r.name().matches("(elementwise|normalization|resample)\\..*"))
        .toList();
  }

  /** Rounds inputs to the type asked for, but holds two-byte floats in float32. */
  private static final OpTransfer ROUNDING =
      new OpTransfer() {
        @Override
        public Tensor upload(double[] values, int[] shape, DType dtype, Device device) {
          if (!dtype.isHalf()) {
            return HEAP.upload(values, shape, dtype, device);
          }
          double[] rounded = new double[values.length];
          try (Tensor half = Tensor.empty(Shape.of(shape), dtype, Device.CPU).detached()) {
            for (int i = 0; i < values.length; i++) {
              half.set(i, values[i]);
              rounded[i] = half.at(i);
            }
          }
          return HEAP.upload(rounded, shape, DType.FLOAT32, device);
        }

        @Override
        public double[] download(Tensor tensor) {
          return HEAP.download(tensor);
        }
      };

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void bfloat16IsTheReferenceRoundedOnce(OpTable.Row row) {
    check(row, DType.BFLOAT16, 0x1p-8);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void float16IsTheReferenceRoundedOnce(OpTable.Row row) {
    check(row, DType.FLOAT16, 0x1p-11);
  }

  private static void check(OpTable.Row row, DType dtype, double rounding) {
    Map<String, double[]> expected =
        row.run(Backends.of(Device.REFERENCE), Device.REFERENCE, dtype, ROUNDING);
    Map<String, double[]> actual = run(row, dtype);
    assertThat(actual.keySet()).isEqualTo(expected.keySet()).isNotEmpty();
    expected.forEach((name, e) -> compare(row + ", " + name, actual.get(name), e, row, rounding));
    stub.setReverse(true);
    OpParity.assertIdentical(row + " in reverse order", run(row, dtype), actual);
  }

  private static Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(Backends.of(Device.cuda(0)), Device.cuda(0), dtype, new CudaTransfer());
  }

  private static void compare(
      String what, double[] actual, double[] expected, OpTable.Row row, double rounding) {
    double largest = 0;
    for (double v : expected) {
      largest = Math.max(largest, Math.abs(v));
    }
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(actual[i] - expected[i]);
      // Written so that NaN fails.
      if (!(error <= rounding * Math.abs(expected[i]) + (row.tolerance() + 0x1p-23) * largest)) {
        throw new AssertionError(
            what + "[" + i + "]: got " + actual[i] + ", expected " + expected[i]);
      }
    }
  }
}
