package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
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
 * The CUDA backend agrees with the reference on the whole op table, and the order in which threads
 * and blocks run doesn't matter: real JCuda, kernels compiled for the host, no GPU.
 */
@Tag("cuda-stub")
class CudaParityTest {
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
    return OpTable.rows();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void cudaAgreesWithTheReference(OpTable.Row row) {
    CudaBackend cuda = CudaBackend.of(0);
    cuda.synchronize();
    long storages = MemoryUse.liveStorages();
    Map<String, double[]> expected = row.run(Device.REFERENCE);
    Map<String, double[]> forward = run(row, DType.FLOAT32);
    OpParity.assertClose(row, forward, expected);
    stub.setReverse(true);
    OpParity.assertIdentical(row + " in reverse order", run(row, DType.FLOAT32), forward);
    assertThat(MemoryUse.liveStorages()).as("storages left behind").isEqualTo(storages);
  }

  private static Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(CudaBackend.of(0), Device.cuda(0), dtype, new CudaTransfer());
  }
}
