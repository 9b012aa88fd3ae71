package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention.Heads;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.HalfRows;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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

  /** The NaN that GPUs make; the bits of a rounded one must not become a number. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void attentionKeepsNaN(boolean tf32) {
    CudaBackend cuda = CudaBackend.of(0);
    float[] values = new float[3 * 8];
    Arrays.fill(values, 0.5f);
    values[9] = Float.intBitsToFloat(0x7fffffff);
    cuda.allowTf32(tf32);
    try (Tensor good = cuda.device().temporary(new float[3 * 8]);
        Tensor bad = cuda.device().temporary(values);
        Tensor lse = cuda.device().scratch(3);
        Tensor out = cuda.device().scratch(3 * 8);
        Tensor q = bad.reshape(1, 3, 8).detached();
        Tensor k = good.reshape(1, 3, 8).detached();
        Tensor o = out.reshape(1, 3, 8).detached();
        Tensor l = lse.reshape(1, 1, 3).detached()) {
      cuda.attention().attention(new Heads(q, 0), new Heads(k, 0), new Heads(k, 0), 1, 1, o, l);
      assertThat(isNaN(out)).as("query").containsExactly(false, true, false);
      cuda.attention().attention(new Heads(k, 0), new Heads(k, 0), new Heads(q, 0), 1, 1, o, l);
      assertThat(out.toFloatArray()[1]).as("value").isNaN();
    } finally {
      cuda.allowTf32(false);
    }
  }

  /** For each of three rows of 8 whether it is NaN as a whole; false when it is none. */
  private static boolean[] isNaN(Tensor t) {
    float[] values = t.toFloatArray();
    boolean[] rows = new boolean[3];
    for (int i = 0; i < values.length; i++) {
      rows[i / 8] |= Float.isNaN(values[i]);
    }
    return rows;
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
