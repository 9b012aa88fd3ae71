package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuLossTest {
  private final CpuLoss ops = new CpuLoss();

  private static int[] labels(long seed, int n, int classes, double ignored) {
    Random random = new Random(seed);
    int[] t = new int[n];
    for (int i = 0; i < n; i++) {
      t[i] = random.nextDouble() < ignored ? 255 : random.nextInt(classes);
    }
    return t;
  }

  private static double[] softmax(double[] z, int at, int k) {
    double[] p = new double[k];
    double max = Double.NEGATIVE_INFINITY;
    double sum = 0;
    for (int j = 0; j < k; j++) {
      max = Math.max(max, z[at + j]);
    }
    for (int j = 0; j < k; j++) {
      p[j] = Math.exp(z[at + j] - max);
      sum += p[j];
    }
    for (int j = 0; j < k; j++) {
      p[j] /= sum;
    }
    return p;
  }

  private static double[] wide(float[] x) {
    double[] d = new double[x.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = x[i];
    }
    return d;
  }

  @ParameterizedTest
  @CsvSource({
    "1,2", "7,2", "8,2", "15,2", "16,2", "17,2", "33,2", "20011,2", "1,3", "50,5", "999,1"
  })
  void crossEntropyAndItsGradientFollowTheFormulas(int rows, int classes) {
    for (double ignored : new double[] {0, 0.4}) {
      Tensor z = Tensor.of(Samples.normal(rows, rows * classes, 4), rows, classes);
      int[] t = labels(rows, rows, classes, ignored);
      Tensor loss = unwritten(1);
      Tensor g = unwritten(rows, classes);
      ops.crossEntropy(z, Tensor.of(t, rows), 255, loss, g);
      double[] zd = wide(z.floats());
      double sum = 0;
      long expectedCount = 0;
      double[] eg = new double[rows * classes];
      for (int i = 0; i < rows; i++) {
        expectedCount += t[i] == 255 ? 0 : 1;
      }
      for (int i = 0; i < rows; i++) {
        if (t[i] != 255) {
          double[] p = softmax(zd, i * classes, classes);
          sum -= Math.log(p[t[i]]);
          for (int k = 0; k < classes; k++) {
            eg[i * classes + k] = p[k] - (k == t[i] ? 1 : 0);
          }
        }
      }
      double expected = expectedCount == 0 ? 0 : sum / expectedCount;
      assertThat(loss.item()).isCloseTo(expected, within(3e-7 * (1 + expected)));
      for (int i = 0; i < g.floats().length; i++) {
        g.floats()[i] *= Math.max(1, expectedCount);
      }
      assertClose(g.floats(), eg, 1e-6);
      Tensor alone = unwritten(1);
      ops.crossEntropy(z, Tensor.of(t, rows), 255, alone, null);
      assertThat(alone.item()).isEqualTo(loss.item());
    }
  }

  @Test
  void crossEntropyOfIgnoredRowsIsZero() {
    Tensor g = unwritten(40, 2);
    Tensor loss = unwritten(1);
    Tensor z = Samples.tensor(1, 40, 2);
    ops.crossEntropy(z, Tensor.of(labels(1, 40, 2, 1), 40), 255, loss, g);
    assertThat(loss.item()).isZero();
    assertThat(g.floats()).containsOnly(0f);
  }

  @Test
  void crossEntropyStaysFiniteForExtremeLogits() {
    float[] z = new float[64];
    for (int i = 0; i < 64; i += 2) {
      z[i] = 1e4f;
    }
    int[] t = labels(1, 32, 1, 0);
    t[0] = 1;
    Tensor loss = unwritten(1);
    Tensor g = unwritten(32, 2);
    ops.crossEntropy(Tensor.of(z, 32, 2), Tensor.of(t, 32), 255, loss, g);
    assertThat(loss.item()).isCloseTo(1e4 / 32, within(1e-3));
    assertThat(g.at(0)).isCloseTo(1.0 / 32, within(1e-8));
    assertThat(g.at(2)).isCloseTo(0, within(1e-30));
  }

  private static double mmIou(double[] z, int[] t, int batch, int classes) {
    double[] inter = new double[batch * classes];
    double[] union = new double[batch * classes];
    int pixels = t.length / batch;
    for (int i = 0; i < t.length; i++) {
      if (t[i] != 255) {
        double[] p = softmax(z, i * classes, classes);
        for (int k = 0; k < classes; k++) {
          int o = i / pixels * classes + k;
          double one = t[i] == k ? 1 : 0;
          inter[o] += p[k] * one;
          union[o] += p[k] + one - p[k] * one;
        }
      }
    }
    double min = Double.POSITIVE_INFINITY;
    double mean = 0;
    for (int i = 0; i < inter.length; i++) {
      double iou = inter[i] / (union[i] + 1e-8);
      min = Math.min(min, iou);
      mean += iou / inter.length;
    }
    return -min - mean;
  }

  @ParameterizedTest
  @CsvSource({"1,9,2", "2,33,3", "3,20,2"})
  void mmIouGradientAgreesWithCentralDifferences(int batch, int pixels, int classes) {
    int n = batch * pixels;
    Tensor z = Samples.tensor(3, batch, pixels, classes);
    int[] t = labels(5, n, classes, 0.2);
    Tensor loss = unwritten(1);
    Tensor g = unwritten(batch, pixels, classes);
    ops.mmIou(z, Tensor.of(t, batch, pixels), 255, loss, g);
    double[] zd = wide(z.floats());
    assertThat(loss.item()).isCloseTo(mmIou(zd, t, batch, classes), within(1e-6));
    double[] eg = new double[zd.length];
    for (int i = 0; i < zd.length; i++) {
      double keep = zd[i];
      zd[i] = keep + 1e-5;
      double up = mmIou(zd, t, batch, classes);
      zd[i] = keep - 1e-5;
      eg[i] = (up - mmIou(zd, t, batch, classes)) / 2e-5;
      zd[i] = keep;
    }
    assertClose(g.floats(), eg, 1e-7);
  }

  @Test
  void argmaxTakesTheLowestIndexOnTies() {
    Tensor z = Tensor.of(new float[] {1, 1, 0, 0, 2, 2, 5, 6, 7}, 3, 3);
    Tensor out = Tensor.of(new int[3], 3);
    ops.argmax(z, out);
    assertThat(out.ints()).containsExactly(0, 1, 2);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    Tensor z = Samples.tensor(1, 2, 20011, 2);
    Tensor t = Tensor.of(labels(2, 2 * 20011, 2, 0.1), 2, 20011);
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor loss = unwritten(1);
          Tensor g = unwritten(2, 20011, 2);
          Tensor loss2 = unwritten(1);
          Tensor g2 = unwritten(2, 20011, 2);
          ops.crossEntropy(z, t, 255, loss, g);
          ops.mmIou(z, t, 255, loss2, g2);
          return new float[][] {loss.floats(), g.floats(), loss2.floats(), g2.floats()};
        });
  }
}
