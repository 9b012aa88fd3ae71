package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuNormalizationTest {
  private final CpuNormalization ops = new CpuNormalization();

  @ParameterizedTest
  @CsvSource({"1,2", "3,5", "7,16", "65,17", "130,48", "5,192", "3,257", "1031,33"})
  void layerNormAndItsGradientsFollowTheFormulas(int rows, int c) {
    for (boolean unbiased : new boolean[] {false, true}) {
      Tensor x = tensor(1, rows, c);
      Tensor w = tensor(2, c);
      Tensor b = tensor(3, c);
      Tensor g = tensor(4, rows, c);
      for (int i = 0; i < rows * c; i++) {
        x.floats()[i] += 3;
      }
      Tensor out = unwritten(rows, c);
      Tensor mean = unwritten(rows);
      Tensor rstd = unwritten(rows);
      Tensor gx = unwritten(rows, c);
      Tensor gw = unwritten(c);
      Tensor gb = unwritten(c);
      ops.layerNorm(x, w, b, 1e-6, unbiased, out, mean, rstd);
      ops.layerNormBackward(g, x, w, mean, rstd, unbiased, gx, gw, gb);
      double[] eo = new double[rows * c];
      double[] ex = new double[rows * c];
      double[] ew = new double[c];
      double[] eb = new double[c];
      double n = unbiased ? c - 1 : c;
      for (int r = 0; r < rows; r++) {
        double m = 0;
        double v = 0;
        for (int j = 0; j < c; j++) {
          m += x.at(r * c + j) / c;
        }
        for (int j = 0; j < c; j++) {
          v += Math.pow(x.at(r * c + j) - m, 2) / n;
        }
        double s = 1 / Math.sqrt(v + 1e-6);
        double sum = 0;
        double product = 0;
        for (int j = 0; j < c; j++) {
          double hat = (x.at(r * c + j) - m) * s;
          double gj = g.at(r * c + j);
          eo[r * c + j] = hat * w.at(j) + b.at(j);
          ew[j] += gj * hat;
          eb[j] += gj;
          sum += gj * w.at(j);
          product += gj * w.at(j) * hat;
        }
        for (int j = 0; j < c; j++) {
          double hat = (x.at(r * c + j) - m) * s;
          ex[r * c + j] = s * (g.at(r * c + j) * w.at(j) - sum / c - hat * product / n);
        }
      }
      assertClose(out.floats(), eo, 3e-6);
      assertClose(gx.floats(), ex, 1e-5);
      assertClose(gw.floats(), ew, 3e-6);
      assertClose(gb.floats(), eb, 3e-6);
    }
  }

  @ParameterizedTest
  @CsvSource({"2,1", "3,5", "64,16", "65,17", "131,48", "1031,33", "70000,3"})
  void batchNormAndItsGradientsFollowTheFormulas(int rows, int c) {
    Tensor x = tensor(1, rows, c);
    Tensor w = tensor(2, c);
    Tensor b = tensor(3, c);
    Tensor g = tensor(4, rows, c);
    for (int i = 0; i < rows * c; i++) {
      x.floats()[i] += 20;
    }
    Tensor mean = unwritten(c);
    Tensor var = unwritten(c);
    ops.batchStatistics(x, mean, var);
    double[] em = new double[c];
    double[] ev = new double[c];
    for (int i = 0; i < rows * c; i++) {
      em[i % c] += x.at(i) / rows;
    }
    for (int i = 0; i < rows * c; i++) {
      ev[i % c] += Math.pow(x.at(i) - em[i % c], 2) / rows;
    }
    assertClose(mean.floats(), em, 1e-7);
    assertClose(var.floats(), ev, 1e-6);
    for (boolean batchStats : new boolean[] {true, false}) {
      Tensor out = unwritten(rows, c);
      Tensor gx = unwritten(rows, c);
      Tensor gw = unwritten(c);
      Tensor gb = unwritten(c);
      ops.batchNorm(x, mean, var, w, b, 1e-5, out);
      ops.batchNormBackward(g, x, mean, var, w, 1e-5, batchStats, gx, gw, gb);
      double[] eo = new double[rows * c];
      double[] ex = new double[rows * c];
      double[] ew = new double[c];
      double[] eb = new double[c];
      for (int i = 0; i < rows * c; i++) {
        int j = i % c;
        double hat = (x.at(i) - mean.at(j)) / Math.sqrt(var.at(j) + 1e-5);
        eo[i] = hat * w.at(j) + b.at(j);
        ew[j] += g.at(i) * hat;
        eb[j] += g.at(i);
      }
      for (int i = 0; i < rows * c; i++) {
        int j = i % c;
        double s = 1 / Math.sqrt(var.at(j) + 1e-5);
        double hat = (x.at(i) - mean.at(j)) * s;
        double through = batchStats ? eb[j] / rows + hat * ew[j] / rows : 0;
        ex[i] = s * w.at(j) * (g.at(i) - through);
      }
      assertClose(out.floats(), eo, 2e-6);
      assertClose(gx.floats(), ex, 1e-5);
      assertClose(gw.floats(), ew, 3e-6);
      assertClose(gb.floats(), eb, 3e-6);
      Tensor alone = unwritten(rows, c);
      ops.batchNormBackward(g, x, mean, var, w, 1e-5, batchStats, alone, null, null);
      assertThat(alone.floats()).isEqualTo(gx.floats());
    }
  }

  @ParameterizedTest
  @CsvSource({"2,1", "3,5", "64,16", "517,33", "1031,48"})
  void batchesSideBySideAreNormalisedAsEachAlone(int rows, int c) {
    Tensor w = tensor(2, c);
    Tensor b = tensor(3, c);
    Tensor x = tensor(1, 2 * rows, c);
    Tensor g = tensor(4, 2 * rows, c);
    Tensor mean = unwritten(2 * c);
    Tensor var = unwritten(2 * c);
    Tensor out = unwritten(2 * rows, c);
    Tensor gx = unwritten(2 * rows, c);
    Tensor gw = unwritten(c);
    Tensor gb = unwritten(c);
    Tensor runningMean = tensor(5, c);
    Tensor runningVar = tensor(6, c);
    Tensor meanInTurn = Tensor.of(runningMean.toFloatArray(), c);
    Tensor varInTurn = Tensor.of(runningVar.toFloatArray(), c);
    ops.batchStatistics(x, mean, var);
    ops.updateRunning(mean, var, rows, 0.1, runningMean, runningVar);
    ops.batchNorm(x, mean, var, w, b, 1e-5, out);
    ops.batchNormBackward(g, x, mean, var, w, 1e-5, true, gx, gw, gb);
    double[] sumW = new double[c];
    double[] sumB = new double[c];
    for (int half = 0; half < 2; half++) {
      Tensor m = unwritten(c);
      Tensor v = unwritten(c);
      Tensor y = unwritten(rows, c);
      Tensor dx = unwritten(rows, c);
      Tensor dw = unwritten(c);
      Tensor db = unwritten(c);
      Tensor part = half(x, half);
      ops.batchStatistics(part, m, v);
      ops.updateRunning(m, v, rows, 0.1, meanInTurn, varInTurn);
      ops.batchNorm(part, m, v, w, b, 1e-5, y);
      ops.batchNormBackward(half(g, half), part, m, v, w, 1e-5, true, dx, dw, db);
      assertThat(half(mean, half).floats()).isEqualTo(m.floats());
      assertThat(half(var, half).floats()).isEqualTo(v.floats());
      assertThat(half(out, half).floats()).isEqualTo(y.floats());
      assertThat(half(gx, half).floats()).isEqualTo(dx.floats());
      for (int j = 0; j < c; j++) {
        sumW[j] += dw.at(j);
        sumB[j] += db.at(j);
      }
    }
    assertThat(runningMean.floats()).isEqualTo(meanInTurn.floats());
    assertThat(runningVar.floats()).isEqualTo(varInTurn.floats());
    assertClose(gw.floats(), sumW, 1e-6);
    assertClose(gb.floats(), sumB, 1e-6);
  }

  /** Half of the rows, or of the statistics. */
  private static Tensor half(Tensor t, int which) {
    int n = (int) t.elements() / 2;
    float[] part = Arrays.copyOfRange(t.floats(), which * n, (which + 1) * n);
    return t.rank() == 1 ? Tensor.of(part, n) : Tensor.of(part, t.dim(0) / 2, t.dim(1));
  }

  @Test
  void runningStatisticsUseTheUnbiasedVariance() {
    Tensor runningMean = Tensor.of(new float[] {1}, 1);
    Tensor runningVar = Tensor.of(new float[] {2}, 1);
    int version = runningMean.storage().version();
    ops.updateRunning(
        Tensor.of(new float[] {3}, 1),
        Tensor.of(new float[] {4}, 1),
        5,
        0.1,
        runningMean,
        runningVar);
    assertThat(runningMean.item()).isEqualTo(1.2f);
    assertThat(runningVar.item()).isEqualTo(2.3f);
    assertThat(runningMean.storage().version()).isGreaterThan(version);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    Tensor x = tensor(1, 1031, 33);
    Tensor g = tensor(2, 1031, 33);
    Tensor w = tensor(3, 33);
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor mean = unwritten(1031);
          Tensor rstd = unwritten(1031);
          Tensor out = unwritten(1031, 33);
          Tensor gx = unwritten(1031, 33);
          Tensor gw = unwritten(33);
          Tensor gb = unwritten(33);
          ops.layerNorm(x, w, w, 1e-6, false, out, mean, rstd);
          ops.layerNormBackward(g, x, w, mean, rstd, false, gx, gw, gb);
          Tensor bm = unwritten(33);
          Tensor bv = unwritten(33);
          Tensor bw = unwritten(33);
          ops.batchStatistics(x, bm, bv);
          ops.batchNormBackward(g, x, bm, bv, w, 1e-5, true, out, bw, null);
          return new float[][] {
            out.floats(),
            gx.floats(),
            gw.floats(),
            gb.floats(),
            bm.floats(),
            bv.floats(),
            bw.floats()
          };
        });
  }
}
