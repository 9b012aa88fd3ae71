package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.backend.Backends;
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
    return OpTable.rows().stream().filter(HalfRows::isPointwise).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void bfloat16IsTheReferenceRoundedOnce(OpTable.Row row) {
    check(row, DType.BFLOAT16);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void float16IsTheReferenceRoundedOnce(OpTable.Row row) {
    check(row, DType.FLOAT16);
  }

  private static void check(OpTable.Row row, DType dtype) {
    Map<String, double[]> actual = run(row, dtype);
    HalfRows.assertClose(row, dtype, actual, HalfRows.expected(row, dtype));
    stub.setReverse(true);
    OpParity.assertIdentical(row + " in reverse order", run(row, dtype), actual);
  }

  private static Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(Backends.of(Device.cuda(0)), Device.cuda(0), dtype, new CudaTransfer());
  }
}
