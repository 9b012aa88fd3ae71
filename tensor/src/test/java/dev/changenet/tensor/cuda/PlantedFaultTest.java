package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels with a missing barrier are caught by the op table: {@link CudaParityTest} can fail. */
@Tag("cuda-stub")
class PlantedFaultTest {
  private final CudaStub stub = CudaStub.build();

  @AfterEach
  void restoreOrder() {
    stub.setReverse(false);
  }

  @ParameterizedTest(name = "{0}: {1} without the barrier behind \"{2}\"")
  @CsvSource({
    "loss, common.cuh, 'partial[threadIdx.x >> 5] = v;', loss.",
    "elementwise, elementwise.cu, 'tile[i][j] = x[sample', elementwise.transpose",
    "attention, attention.cu, 'wait_copies<1>();', attention.attention"
  })
  void aMissingBarrierIsCaught(String family, String file, String before, String rows) {
    CudaBackend.of(0);
    List<OpTable.Row> chosen =
        OpTable.rows().stream().filter(r -> r.name().startsWith(rows)).toList();
    Path faulty = stub.withoutBarrier(family, file, before);
    assertThat(caught(chosen)).as("rows that fail as it is").isZero();
    stub.replaceKernels(faulty);
    try {
      assertThat(caught(chosen)).as("rows that fail without the barrier").isPositive();
    } finally {
      stub.replaceKernels(stub.kernels().resolve(family + ".so"));
    }
  }

  /** Number of rows that differ from the reference in one order of threads or the other. */
  private int caught(List<OpTable.Row> rows) {
    int caught = 0;
    for (OpTable.Row row : rows) {
      Map<String, double[]> expected = row.run(Device.REFERENCE);
      boolean fails = false;
      for (boolean reverse : new boolean[] {false, true}) {
        stub.setReverse(reverse);
        try {
          OpParity.assertClose(
              row,
              row.run(CudaBackend.of(0), Device.cuda(0), DType.FLOAT32, new CudaTransfer()),
              expected);
        } catch (CudaException | AssertionError e) {
          fails = true;
        }
      }
      caught += fails ? 1 : 0;
    }
    return caught;
  }
}
