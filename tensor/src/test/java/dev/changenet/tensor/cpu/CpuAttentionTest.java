package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention.Heads;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuAttentionTest {
  private final CpuAttention ops = new CpuAttention();

  @ParameterizedTest
  @CsvSource({
    "1,1,1,1,1",
    "2,5,7,2,3",
    "1,17,16,4,24",
    "2,64,64,3,16",
    "1,65,67,2,48",
    "1,130,33,1,56",
    "4,1,50,8,40",
    "1,200,129,2,33"
  })
  void attentionAndItsGradientsFollowTheFormulas(int batch, int nq, int nk, int heads, int d) {
    int c = heads * d;
    float scale = 0.4f;
    // Keys and values are packed side by side, queries lie behind a gap.
    Tensor q = tensor(1, batch, nq, c + 3);
    Tensor kv = tensor(2, batch, nk, 2 * c);
    Tensor g = tensor(3, batch, nq, c);
    Tensor out = unwritten(batch, nq, c);
    Tensor lse = unwritten(batch, heads, nq);
    Tensor gq = unwritten(batch, nq, c + 3);
    Tensor gkv = unwritten(batch, nk, 2 * c);
    Heads hq = new Heads(q, 3);
    Heads hk = new Heads(kv, 0);
    Heads hv = new Heads(kv, c);
    ops.attention(hq, hk, hv, heads, scale, out, lse);
    ops.attentionBackward(
        g,
        hq,
        hk,
        hv,
        heads,
        scale,
        out,
        lse,
        new Heads(gq, 3),
        new Heads(gkv, 0),
        new Heads(gkv, c));

    double[] eo = new double[batch * nq * c];
    double[] el = new double[batch * heads * nq];
    double[] eq = new double[batch * nq * (c + 3)];
    double[] ekv = new double[batch * nk * 2 * c];
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < heads; h++) {
        for (int i = 0; i < nq; i++) {
          int qAt = (b * nq + i) * (c + 3) + 3 + h * d;
          int oAt = (b * nq + i) * c + h * d;
          double[] p = new double[nk];
          double sum = 0;
          for (int j = 0; j < nk; j++) {
            int kAt = (b * nk + j) * 2 * c + h * d;
            for (int t = 0; t < d; t++) {
              p[j] += scale * q.at(qAt + t) * kv.at(kAt + t);
            }
            p[j] = Math.exp(p[j]);
            sum += p[j];
          }
          el[(b * heads + h) * nq + i] = Math.log(sum);
          double dot = 0;
          double[] dp = new double[nk];
          for (int j = 0; j < nk; j++) {
            p[j] /= sum;
            int vAt = (b * nk + j) * 2 * c + c + h * d;
            for (int t = 0; t < d; t++) {
              eo[oAt + t] += p[j] * kv.at(vAt + t);
              dp[j] += g.at(oAt + t) * kv.at(vAt + t);
              ekv[vAt + t] += p[j] * g.at(oAt + t);
            }
            dot += p[j] * dp[j];
          }
          for (int j = 0; j < nk; j++) {
            int kAt = (b * nk + j) * 2 * c + h * d;
            double ds = scale * p[j] * (dp[j] - dot);
            for (int t = 0; t < d; t++) {
              eq[qAt + t] += ds * kv.at(kAt + t);
              ekv[kAt + t] += ds * q.at(qAt + t);
            }
          }
        }
      }
    }
    for (int i = 0; i < batch * nq * (c + 3); i += c + 3) {
      for (int t = 0; t < 3; t++) {
        assertThat(gq.at(i + t)).as("columns of other heads stay untouched").isNaN();
        gq.set(i + t, 0);
      }
    }
    assertClose(out.floats(), eo, 3e-6);
    assertClose(lse.floats(), el, 3e-6);
    assertClose(gq.floats(), eq, 1e-5);
    assertClose(gkv.floats(), ekv, 1e-5);
  }

  @ParameterizedTest
  @CsvSource({"1,1,1,1", "2,5,2,3", "1,64,8,24", "3,33,3,16", "2,49,2,40"})
  void channelGateAndItsGradientsFollowTheFormulas(int batch, int n, int heads, int d) {
    int c = heads * d;
    Tensor q = tensor(1, batch, n, c);
    Tensor x = tensor(2, batch, n, c);
    Tensor v = tensor(3, batch, n, c);
    Tensor g = tensor(4, batch, n, c);
    Tensor t = tensor(5, heads, 1, 1);
    Tensor out = unwritten(batch, n, c);
    Tensor sigmoid = unwritten(batch, c);
    Tensor gq = unwritten(batch, n, c);
    Tensor gx = unwritten(batch, n, c);
    Tensor gv = unwritten(batch, n, c);
    Tensor gt = unwritten(heads, 1, 1);
    ops.channelGate(q, x, v, t, heads, out, sigmoid);
    ops.channelGateBackward(g, q, x, v, t, heads, sigmoid, gq, gx, gv, gt);

    double[] eo = new double[batch * n * c];
    double[] eq = new double[batch * n * c];
    double[] ex = new double[batch * n * c];
    double[] ev = new double[batch * n * c];
    double[] et = new double[heads];
    for (int b = 0; b < batch; b++) {
      double[] qs = softmaxOverTokens(q, b, n, c);
      double[] ks = softmaxOverTokens(x, b, n, c);
      double[] mean = new double[n * heads];
      for (int i = 0; i < n * c; i++) {
        mean[i / c * heads + i % c / d] += ks[i] / d;
      }
      double[] slope = new double[c];
      double[] s = new double[c];
      for (int j = 0; j < c; j++) {
        double r = 0;
        for (int i = 0; i < n; i++) {
          s[j] += qs[i * c + j] * mean[i * heads + j / d];
          r += g.at((b * n + i) * c + j) * v.at((b * n + i) * c + j);
        }
        double gate = 1 / (1 + Math.exp(-s[j]));
        et[j / d] += gate * r;
        slope[j] = t.at(j / d) * gate * (1 - gate) * r;
        for (int i = 0; i < n; i++) {
          int at = (b * n + i) * c + j;
          eo[at] = t.at(j / d) * gate * v.at(at);
          ev[at] = t.at(j / d) * gate * g.at(at);
        }
      }
      double[] gm = new double[n * heads];
      for (int i = 0; i < n * c; i++) {
        gm[i / c * heads + i % c / d] += slope[i % c] * qs[i] / d;
      }
      for (int j = 0; j < c; j++) {
        double dot = 0;
        for (int i = 0; i < n; i++) {
          dot += ks[i * c + j] * gm[i * heads + j / d];
        }
        for (int i = 0; i < n; i++) {
          int at = (b * n + i) * c + j;
          eq[at] = qs[i * c + j] * slope[j] * (mean[i * heads + j / d] - s[j]);
          ex[at] = ks[i * c + j] * (gm[i * heads + j / d] - dot);
        }
      }
    }
    assertClose(out.floats(), eo, 1e-6);
    assertClose(gv.floats(), ev, 1e-6);
    assertClose(gq.floats(), eq, 1e-6);
    assertClose(gx.floats(), ex, 1e-6);
    assertClose(gt.floats(), et, 1e-5);
  }

  private static double[] softmaxOverTokens(Tensor x, int b, int n, int c) {
    double[] y = new double[n * c];
    for (int j = 0; j < c; j++) {
      double sum = 0;
      for (int i = 0; i < n; i++) {
        y[i * c + j] = Math.exp(x.at((b * n + i) * c + j));
        sum += y[i * c + j];
      }
      for (int i = 0; i < n; i++) {
        y[i * c + j] /= sum;
      }
    }
    return y;
  }

  @ParameterizedTest
  @CsvSource({"1,1", "5,2", "3,15", "4,16", "7,17", "9,100", "2,5000"})
  void softmaxAndItsGradientFollowTheFormulas(int rows, int n) {
    Tensor x = Tensor.of(Samples.normal(1, rows * n, 20), rows, n);
    Tensor g = tensor(2, rows, n);
    Tensor out = unwritten(rows, n);
    Tensor gx = unwritten(rows, n);
    ops.softmax(x, out);
    ops.softmaxBackward(out, g, gx);
    double[] y = new double[rows * n];
    double[] eg = new double[rows * n];
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      double dot = 0;
      for (int j = 0; j < n; j++) {
        y[r * n + j] = Math.exp(x.at(r * n + j));
        sum += y[r * n + j];
      }
      for (int j = 0; j < n; j++) {
        y[r * n + j] /= sum;
        dot += y[r * n + j] * g.at(r * n + j);
      }
      for (int j = 0; j < n; j++) {
        eg[r * n + j] = y[r * n + j] * (g.at(r * n + j) - dot);
      }
    }
    assertClose(out.floats(), y, 1e-6);
    assertClose(gx.floats(), eg, 2e-6);
  }

  @Test
  void softmaxWorksForLargeLogitsAndInPlace() {
    Tensor x = Tensor.of(new float[] {1000, 1000, -1e30f}, 1, 3);
    ops.softmax(x, x);
    assertClose(x.floats(), new double[] {0.5, 0.5, 0}, 1e-7);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    Heads q = new Heads(tensor(1, 2, 150, 48), 0);
    Heads k = new Heads(tensor(2, 2, 150, 48), 0);
    Tensor g = tensor(3, 2, 150, 48);
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor out = unwritten(2, 150, 48);
          Tensor lse = unwritten(2, 2, 150);
          Heads gq = new Heads(unwritten(2, 150, 48), 0);
          Heads gk = new Heads(unwritten(2, 150, 48), 0);
          Heads gv = new Heads(unwritten(2, 150, 48), 0);
          ops.attention(q, k, k, 2, 0.2f, out, lse);
          ops.attentionBackward(g, q, k, k, 2, 0.2f, out, lse, gq, gk, gv);
          Tensor gate = unwritten(2, 150, 48);
          Tensor sigmoid = unwritten(2, 48);
          Tensor t = tensor(4, 2);
          Tensor gt = unwritten(2);
          ops.channelGate(q.tensor(), k.tensor(), g, t, 2, gate, sigmoid);
          Tensor gv2 = unwritten(2, 150, 48);
          ops.channelGateBackward(
              g,
              q.tensor(),
              k.tensor(),
              g,
              t,
              2,
              sigmoid,
              unwritten(2, 150, 48),
              unwritten(2, 150, 48),
              gv2,
              gt);
          return new float[][] {
            out.floats(), lse.floats(), gq.tensor().floats(), gk.tensor().floats(),
            gv.tensor().floats(), gate.floats(), gv2.floats(), gt.floats()
          };
        });
  }
}
