package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CpuElementwiseTest {
  private final CpuElementwise ops = new CpuElementwise();

  private static double activation(Activation f, double x) {
    return switch (f) {
      case NONE -> x;
      case RELU -> Math.max(0, x);
      case GELU -> 0.5 * x * (1 + Samples.erf(x / Math.sqrt(2)));
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case SILU -> x / (1 + Math.exp(-x));
    };
  }

  private static double derivative(Activation f, double x) {
    double s = 1 / (1 + Math.exp(-x));
    return switch (f) {
      case NONE -> 1;
      case RELU -> x > 0 ? 1 : 0;
      case GELU ->
          0.5 * (1 + Samples.erf(x / Math.sqrt(2)))
              + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      case SIGMOID -> s * (1 - s);
      case SILU -> s * (1 + x * (1 - s));
    };
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsAndDerivativesFollowTheirFormulas(Activation f) {
    for (int n : new int[] {1, 3, 7, 8, 15, 16, 17, 31, 33, 127, 70_001}) {
      Tensor x = Tensor.of(Samples.normal(n, n, 3), n);
      Tensor g = tensor(n + 1, n);
      Tensor out = unwritten(n);
      Tensor gx = unwritten(n);
      ops.activation(f, x, out);
      ops.activationBackward(f, x, g, gx);
      double[] y = new double[n];
      double[] d = new double[n];
      for (int i = 0; i < n; i++) {
        y[i] = activation(f, x.at(i));
        d[i] = derivative(f, x.at(i)) * g.at(i);
      }
      assertClose(out.floats(), y, 3e-7);
      assertClose(gx.floats(), d, 6e-7);
    }
  }

  @Test
  void activationsSaturateFarOutAndPassNan() {
    float[] x = {-100, -5.6f, 0, 5.6f, 100, Float.NaN, -1e30f, 1e30f};
    Tensor out = unwritten(8);
    ops.activation(Activation.GELU, Tensor.of(x, 8), out);
    assertThat(out.floats()).containsExactly(-0f, -0f, 0, 5.6f, 100, Float.NaN, -0f, 1e30f);
    ops.activation(Activation.SIGMOID, Tensor.of(x, 8), out);
    assertThat(out.floats()[0]).isBetween(0f, 1e-37f);
    assertThat(out.floats()[4]).isEqualTo(1f);
    assertThat(out.floats()[5]).isNaN();
    ops.activation(Activation.RELU, Tensor.of(x, 8), out);
    assertThat(out.floats()[5]).isNaN();
  }

  @Test
  void exponentialIsAccurateToTwoUlp() {
    float[] x = new float[VectorMath.LANES];
    float[] y = new float[VectorMath.LANES];
    for (float v = -87.3f; v < 88.3f; v += 0.0137f) {
      java.util.Arrays.fill(x, v);
      RowKernels.exp(x, 0, x.length, 0, y, 0);
      double exact = Math.exp(v);
      assertThat(Math.abs(y[0] - exact)).isLessThan(2 * Math.ulp((float) exact));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 15, 16, 17, 33, 257})
  void sumsAndRepetitionsAgreeWithNaiveLoops(int n) {
    for (int rows : new int[] {1, 2, 5, 64, 65, 1031}) {
      Tensor x = tensor(n, rows, n);
      Tensor b = tensor(rows, n);
      Tensor y = tensor(n + rows, rows, n);
      Tensor repeated = unwritten(rows, n);
      Tensor sum = unwritten(n);
      Tensor added = unwritten(rows, n);
      Tensor scaled = unwritten(rows, n);
      ops.addRepeated(x, b, repeated);
      ops.sumLeading(x, sum);
      ops.add(x, y, -0.5f, added);
      ops.scale(x, 3f, scaled);
      double[] er = new double[rows * n];
      double[] es = new double[n];
      double[] ea = new double[rows * n];
      double[] ec = new double[rows * n];
      for (int i = 0; i < rows * n; i++) {
        er[i] = x.at(i) + b.at(i % n);
        es[i % n] += x.at(i);
        ea[i] = x.at(i) - 0.5 * y.at(i);
        ec[i] = 3 * x.at(i);
      }
      assertClose(repeated.floats(), er, 1e-6);
      assertClose(sum.floats(), es, 1e-6);
      assertClose(added.floats(), ea, 1e-6);
      assertClose(scaled.floats(), ec, 1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 19, 48})
  void residualScalesByChannelAndSample(int c) {
    int rows = 3 * 41;
    Tensor x = tensor(1, 3, 41, c);
    Tensor y = tensor(2, 3, 41, c);
    Tensor g = tensor(3, 3, 41, c);
    float[] sample = {0, 2, 1.25f};
    for (Tensor gamma : new Tensor[] {tensor(4, c), null}) {
      for (float[] s : new float[][] {sample, null}) {
        Tensor out = unwritten(3, 41, c);
        Tensor gy = unwritten(3, 41, c);
        Tensor gg = unwritten(c);
        ops.residual(x, y, gamma, s, out);
        ops.residualBackward(g, y, gamma, s, gy, gamma == null ? null : gg);
        double[] eo = new double[rows * c];
        double[] ey = new double[rows * c];
        double[] eg = new double[c];
        for (int i = 0; i < rows * c; i++) {
          double f = s == null ? 1 : s[i / (41 * c)];
          double w = gamma == null ? 1 : gamma.at(i % c);
          eo[i] = x.at(i) + f * w * y.at(i);
          ey[i] = f * w * g.at(i);
          eg[i % c] += f * y.at(i) * g.at(i);
        }
        assertClose(out.floats(), eo, 1e-6);
        assertClose(gy.floats(), ey, 1e-6);
        if (gamma != null) {
          assertClose(gg.floats(), eg, 1e-6);
        }
      }
    }
  }

  @Test
  void transposeSwapsRowsAndColumnsOfEverySample() {
    for (int[] s : new int[][] {{1, 1, 1}, {2, 3, 65}, {3, 40, 33}, {1, 7, 1000}}) {
      Tensor x = tensor(5, s);
      Tensor out = unwritten(s[0], s[2], s[1]);
      ops.transpose(x, s[0], s[1], s[2], out);
      for (int b = 0; b < s[0]; b++) {
        for (int i = 0; i < s[1]; i++) {
          for (int j = 0; j < s[2]; j++) {
            assertThat(out.at((b * s[2] + j) * s[1] + i))
                .isEqualTo(x.at((b * s[1] + i) * s[2] + j));
          }
        }
      }
    }
  }

  @Test
  void copyBlocksConcatenatesAndCopyAndFillWorkForIntegers() {
    Tensor a = Tensor.of(new int[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor out = Tensor.of(new int[12], 3, 4);
    ops.fill(out, 9);
    ops.copyBlocks(a, 0, 2, out, 1, 4, 2, 3);
    assertThat(out.ints()).containsExactly(9, 1, 2, 9, 9, 3, 4, 9, 9, 5, 6, 9);
    ops.copyBlocks(out, 4, 0, a, 0, 0, 6, 1);
    assertThat(a.ints()).containsExactly(9, 3, 4, 9, 9, 5);
    Tensor copy = Tensor.of(new int[12], 3, 4);
    ops.copy(out, copy);
    assertThat(copy.ints()).isEqualTo(out.ints());
  }

  @Test
  void float64IsComputedByTheReference() {
    Tensor x = Tensor.of(new double[] {-1, 2}, 2);
    Tensor out = Tensor.of(new double[2], 2);
    ops.activation(Activation.RELU, x, out);
    assertThat(out.doubles()).containsExactly(0, 2);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    Tensor x = tensor(1, 4, 1031, 33);
    Tensor g = tensor(2, 4, 1031, 33);
    Tensor gamma = tensor(3, 33);
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor sum = unwritten(33);
          Tensor gelu = unwritten(4, 1031, 33);
          Tensor gg = unwritten(33);
          Tensor gy = unwritten(4, 1031, 33);
          ops.sumLeading(x, sum);
          ops.activation(Activation.GELU, x, gelu);
          ops.residualBackward(g, x, gamma, null, gy, gg);
          return new float[][] {sum.floats(), gelu.floats(), gg.floats(), gy.floats()};
        });
  }
}
