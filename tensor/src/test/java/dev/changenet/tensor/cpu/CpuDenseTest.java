package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.assertClose;
import static dev.changenet.tensor.cpu.KernelSamples.randomTensor;
import static dev.changenet.tensor.cpu.KernelSamples.sameForAnyThreads;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Dense;
import dev.changenet.tensor.reference.ReferenceDense;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuDenseTest {
  private final Dense cpu = new CpuDense();
  private final Dense reference = new ReferenceDense();

  /** Compares one result of both implementations. */
  private void compare(int[] shape, BiConsumer<Dense, Tensor> op) {
    Tensor expected = Tensor.empty(Shape.of(shape), DType.FLOAT64, Device.REFERENCE);
    op.accept(reference, expected);
    float[] actual =
        sameForAnyThreads(
            () -> {
              Tensor out = Tensor.full(Shape.of(shape), DType.FLOAT32, Device.CPU, Float.NaN);
              op.accept(cpu, out);
              return out.floats();
            });
    assertClose(actual, expected.doubles(), 2e-5);
  }

  @ParameterizedTest(name = "{0} rows, {1} -> {2}")
  @CsvSource({
    "1, 1, 1",
    "2, 5, 3",
    "7, 16, 2",
    "1, 300, 70",
    "65, 31, 33",
    "130, 257, 17",
    "4, 97, 101",
    "257, 64, 129"
  })
  void linearAndItsGradientsEqualTheReference(int m, int i, int o) {
    Tensor x = randomTensor(1, 1, m, i);
    Tensor w = randomTensor(2, o, i);
    Tensor b = randomTensor(3, o);
    Tensor g = randomTensor(4, 1, m, o);
    Tensor any = randomTensor(5, o, i);
    compare(new int[] {1, m, o}, (d, out) -> d.linear(x, w, b, out));
    compare(new int[] {1, m, o}, (d, out) -> d.linear(x, w, null, out));
    compare(new int[] {1, m, i}, (d, out) -> d.linearBackwardInput(g, w, out));
    compare(new int[] {o, i}, (d, out) -> d.linearBackwardWeight(g, x, out, null));
    compare(new int[] {o}, (d, out) -> d.linearBackwardWeight(g, x, any, out));
  }

  @ParameterizedTest(name = "{0} of {1} x {2} x {3}")
  @CsvSource({"1, 1, 1, 1", "3, 5, 7, 9", "2, 33, 17, 40", "5, 16, 48, 31", "2, 300, 260, 280"})
  void matmulEqualsTheReferenceForEveryTransposition(int batch, int m, int n, int k) {
    for (int form = 0; form < 4; form++) {
      boolean ta = (form & 1) != 0;
      boolean tb = (form & 2) != 0;
      Tensor a = randomTensor(1, batch, ta ? k : m, ta ? m : k);
      Tensor b = randomTensor(2, batch, tb ? n : k, tb ? k : n);
      compare(new int[] {batch, m, n}, (d, out) -> d.matmul(a, ta, b, tb, out));
    }
  }

  @Test
  void linearUsesTheWeightAsItIsAfterAnUpdate() {
    Tensor x = randomTensor(1, 40, 30);
    Tensor w = randomTensor(2, 50, 30);
    Tensor out = Tensor.zeros(Shape.of(40, 50), DType.FLOAT32, Device.CPU);
    cpu.linear(x, w, null, out);
    float[] first = out.toFloatArray();
    // The second call packs the weight, the third finds it packed.
    for (int call = 0; call < 2; call++) {
      cpu.linear(x, w, null, out);
      assertThat(out.floats()).isEqualTo(first);
    }
    for (int i = 0; i < w.elements(); i++) {
      w.floats()[i] *= 2;
    }
    w.storage().changed();
    for (int call = 0; call < 3; call++) {
      cpu.linear(x, w, null, out);
      for (int i = 0; i < first.length; i++) {
        assertThat(out.floats()[i]).isEqualTo(2 * first[i]);
      }
    }
  }

  @Test
  void float64TensorsAreComputedInDoublePrecision() {
    Tensor x = Tensor.of(new double[] {1e-9}, 1, 1);
    Tensor w = Tensor.of(new double[] {1 + 1e-12}, 1, 1);
    Tensor out = Tensor.of(new double[1], 1, 1);
    cpu.linear(x, w, null, out);
    assertThat(out.item()).isEqualTo(1e-9 * (1 + 1e-12));
  }
}
