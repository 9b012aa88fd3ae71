package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
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
 * Attention, losses, sampling and depthwise convolutions with two-byte activations agree with the
 * reference on inputs rounded the same way; attention also with TF32 products.
 */
@Tag("cuda-stub")
class CudaPrecisionTest {
  /** A product of two-byte operands, rounded once more at its end, relative to the largest. */
  private static final double BFLOAT16 = 2e-2;

  private static final double FLOAT16 = 2.5e-3;
  private static final double TF32 = 5e-3;

  /** Rounds what would be of two bytes, and keeps it in float32. */
  private static final OpTransfer ROUNDED =
      new OpTransfer() {
        @Override
        public Tensor upload(double[] values, int[] shape, DType dtype, Device device) {
          boolean half = dtype == DType.BFLOAT16 || dtype == DType.FLOAT16;
          if (!half) {
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
    List<String> families = List.of("attention.", "loss.", "sampling.", "convolution.conv2d");
    return OpTable.rows().stream()
        .filter(row -> families.stream().anyMatch(row.name()::startsWith))
        .filter(row -> !row.name().startsWith("convolution.") || row.name().contains("depthwise"))
        .toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void bfloat16(OpTable.Row row) {
    check(row, DType.BFLOAT16, BFLOAT16);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void float16(OpTable.Row row) {
    check(row, DType.FLOAT16, FLOAT16);
  }

  static List<OpTable.Row> products() {
    return rows().stream().filter(row -> row.name().startsWith("attention.attention")).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("products")
  void tf32(OpTable.Row row) {
    CudaBackend.of(0).allowTf32(true);
    try {
      check(row, DType.FLOAT32, TF32);
    } finally {
      CudaBackend.of(0).allowTf32(false);
    }
  }

  private static void check(OpTable.Row row, DType dtype, double tolerance) {
    Map<String, double[]> expected =
        row.run(Backends.of(Device.REFERENCE), Device.REFERENCE, dtype, ROUNDED);
    Map<String, double[]> forward = run(row, dtype);
    OpParity.assertClose(row.name() + " " + dtype, forward, expected, tolerance);
    stub.setReverse(true);
    OpParity.assertIdentical(row + " in reverse order", run(row, dtype), forward);
  }

  private static Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(CudaBackend.of(0), Device.cuda(0), dtype, new CudaTransfer());
  }
}
