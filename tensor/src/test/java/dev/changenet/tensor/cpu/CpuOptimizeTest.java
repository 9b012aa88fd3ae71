package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CpuOptimizeTest {
  private final CpuOptimize ops = new CpuOptimize();

  @ParameterizedTest
  @ValueSource(strings = {"adam", "adamw", "sgd"})
  void tracesAgreeWithPyTorch(String optimizer) {
    Tensor p = Tensor.of(golden("start").floats(), 12);
    float[] gradients = golden("gradients").floats();
    double[] trace = golden(optimizer + "_trace").values();
    Tensor m = Tensor.of(new float[12], 12);
    Tensor v = Tensor.of(new float[12], 12);
    Tensor buffer = unwritten(12);
    for (int step = 1; step <= 6; step++) {
      Tensor g = Tensor.of(Arrays.copyOfRange(gradients, 12 * step - 12, 12 * step), 12);
      int version = p.storage().version();
      if (optimizer.equals("sgd")) {
        ops.sgd(p, g, buffer, 0.01, 0.9, 0.1, step == 1);
      } else {
        ops.adam(p, g, m, v, 0.01, 0.9, 0.999, 1e-8, 0.1, optimizer.equals("adamw"), step);
      }
      assertClose(p.floats(), Arrays.copyOfRange(trace, 12 * step - 12, 12 * step), 5e-7);
      assertThat(p.storage().version()).isGreaterThan(version);
    }
  }

  private static Npy golden(String name) {
    return Npy.read(ReferenceData.golden("ops/optimizers/" + name + ".npy"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17, 40_001})
  void adamFollowsTheFormulaForAnySize(int n) {
    Tensor p = tensor(1, n);
    Tensor g = tensor(2, n);
    Tensor m = tensor(3, n);
    Tensor v = tensor(4, n);
    double[] ep = new double[n];
    double[] es = new double[n];
    for (int i = 0; i < n; i++) {
      v.floats()[i] = Math.abs(v.floats()[i]);
      es[i] = p.at(i);
      double mi = 0.8 * m.at(i) + 0.2 * g.at(i);
      double vi = 0.95 * v.at(i) + 0.05 * g.at(i) * g.at(i);
      double denominator = Math.sqrt(vi) / Math.sqrt(1 - Math.pow(0.95, 7)) + 1e-3;
      ep[i] = p.at(i) * (1 - 0.1 * 0.3) - 0.1 / (1 - Math.pow(0.8, 7)) * mi / denominator;
    }
    ops.adam(p, g, m, v, 0.1, 0.8, 0.95, 1e-3, 0.3, true, 7);
    assertClose(p.floats(), ep, 1e-6);
    Tensor q = tensor(1, n);
    Tensor buffer = tensor(5, n);
    for (int i = 0; i < n; i++) {
      es[i] -= 0.1 * (0.9 * buffer.at(i) + g.at(i) + 0.3 * q.at(i));
    }
    ops.sgd(q, g, buffer, 0.1, 0.9, 0.3, false);
    assertClose(q.floats(), es, 1e-6);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor p = tensor(1, 40_001);
          Tensor m = Tensor.of(new float[40_001], 40_001);
          Tensor v = Tensor.of(new float[40_001], 40_001);
          ops.adam(p, tensor(2, 40_001), m, v, 0.1, 0.9, 0.999, 1e-8, 0.1, false, 1);
          return new float[][] {p.floats(), m.floats(), v.floats()};
        });
  }
}
