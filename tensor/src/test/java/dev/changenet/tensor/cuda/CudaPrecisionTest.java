package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.HalfRows;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Products, convolutions, attention, losses and sampling with two-byte activations agree with the
 * reference on inputs rounded the same way; attention also with TF32 products.
 */
@Tag("cuda-stub")
class CudaPrecisionTest {
  private static final double TF32 = 5e-3;

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
    return OpTable.rows().stream().filter(HalfRows::isProduct).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void bfloat16(OpTable.Row row) {
    check(row, DType.BFLOAT16);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void float16(OpTable.Row row) {
    check(row, DType.FLOAT16);
  }

  static List<OpTable.Row> products() {
    return rows().stream().filter(row -> row.name().startsWith("attention.attention")).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("products")
  void tf32(OpTable.Row row) {
    CudaBackend.of(0).allowTf32(true);
    try {
      Map<String, double[]> actual = run(row, DType.FLOAT32);
      OpParity.assertClose(row + " tf32", actual, row.run(Device.REFERENCE), TF32);
      assertOrderDoesNotMatter(row, DType.FLOAT32, actual);
    } finally {
      CudaBackend.of(0).allowTf32(false);
    }
  }

  private static void check(OpTable.Row row, DType dtype) {
    Map<String, double[]> actual = run(row, dtype);
    HalfRows.assertClose(row, dtype, actual, HalfRows.expected(row, dtype));
    assertOrderDoesNotMatter(row, dtype, actual);
  }

  private static void assertOrderDoesNotMatter(
      OpTable.Row row, DType dtype, Map<String, double[]> actual) {
    stub.setReverse(true);
    OpParity.assertIdentical(row + " in reverse order", run(row, dtype), actual);
  }

  private static Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(CudaBackend.of(0), Device.cuda(0), dtype, new CudaTransfer());
  }
}
