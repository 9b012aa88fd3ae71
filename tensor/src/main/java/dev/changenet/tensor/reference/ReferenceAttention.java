package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;

/**
 * Token attention with the whole score matrix in memory, the channel gate, and softmax. Backward
 * passes recompute the probabilities from the inputs and don't use what forward saved.
 */
public final class ReferenceAttention implements Attention {
  /** The columns of q, k or v of one sample and one head: element (n, i). */
  private record Head(double[] values, int start, int stride) {
    static Head of(double[] values, Heads heads, int sample, int head, int d) {
      int tokens = heads.tensor().dim(1);
      int r = heads.tensor().dim(-1);
      return new Head(values, sample * tokens * r + heads.offset() + head * d, r);
    }

    int index(int n, int i) {
      return start + n * stride + i;
    }

    double at(int n, int i) {
      return values[index(n, i)];
    }
  }

  /** Returns softmax(scale·q·kᵀ), [nq, nk]; lse (may be null) receives its rows' log-sums. */
  private static double[] probabilities(
      Head q, Head k, int nq, int nk, int d, double scale, double[] lse, int lseStart) {
    double[] p = new double[nq * nk];
    for (int i = 0; i < nq; i++) {
      for (int j = 0; j < nk; j++) {
        double dot = 0;
        for (int c = 0; c < d; c++) {
          dot += q.at(i, c) * k.at(j, c);
        }
        p[i * nk + j] = scale * dot;
      }
      double logSum = Softmax.forward(p, i * nk, 1, nk, p);
      if (lse != null) {
        lse[lseStart + i] = logSum;
      }
    }
    return p;
  }

  @Override
  public void attention(Heads q, Heads k, Heads v, int heads, float scale, Tensor out, Tensor lse) {
    int samples = out.dim(0);
    int nq = q.tensor().dim(1);
    int nk = k.tensor().dim(1);
    int d = out.dim(-1) / heads;
    double[] qv = Doubles.of(q.tensor());
    double[] kv = Doubles.of(k.tensor());
    double[] vv = Doubles.of(v.tensor());
    double[] y = new double[(int) out.elements()];
    double[] logSums = new double[samples * heads * nq];
    for (int b = 0; b < samples; b++) {
      for (int h = 0; h < heads; h++) {
        Head qh = Head.of(qv, q, b, h, d);
        Head kh = Head.of(kv, k, b, h, d);
        Head vh = Head.of(vv, v, b, h, d);
        Head yh = Head.of(y, new Heads(out, 0), b, h, d);
        double[] p = probabilities(qh, kh, nq, nk, d, scale, logSums, (b * heads + h) * nq);
        for (int i = 0; i < nq; i++) {
          for (int j = 0; j < nk; j++) {
            for (int c = 0; c < d; c++) {
              y[yh.index(i, c)] += p[i * nk + j] * vh.at(j, c);
            }
          }
        }
      }
    }
    Doubles.write(y, out);
    Doubles.write(logSums, lse);
  }

  @Override
  public void attentionBackward(
      Tensor gradOut,
      Heads q,
      Heads k,
      Heads v,
      int heads,
      float scale,
      Tensor out,
      Tensor lse,
      Heads gradQ,
      Heads gradK,
      Heads gradV) {
    int nq = q.tensor().dim(1);
    int nk = k.tensor().dim(1);
    int channels = gradOut.dim(-1);
    int d = channels / heads;
    double[] qv = Doubles.of(q.tensor());
    double[] kv = Doubles.of(k.tensor());
    double[] vv = Doubles.of(v.tensor());
    double[] g = Doubles.of(gradOut);
    double[] gq = new double[(int) gradQ.tensor().elements()];
    double[] gk = new double[(int) gradK.tensor().elements()];
    double[] gv = new double[(int) gradV.tensor().elements()];
    for (int b = 0; b < gradOut.dim(0); b++) {
      for (int h = 0; h < heads; h++) {
        Head qh = Head.of(qv, q, b, h, d);
        Head kh = Head.of(kv, k, b, h, d);
        Head vh = Head.of(vv, v, b, h, d);
        Head gh = Head.of(g, new Heads(gradOut, 0), b, h, d);
        Head gqh = Head.of(gq, gradQ, b, h, d);
        Head gkh = Head.of(gk, gradK, b, h, d);
        Head gvh = Head.of(gv, gradV, b, h, d);
        double[] p = probabilities(qh, kh, nq, nk, d, scale, null, 0);
        double[] gp = new double[nq * nk];
        for (int i = 0; i < nq; i++) {
          for (int j = 0; j < nk; j++) {
            for (int c = 0; c < d; c++) {
              gv[gvh.index(j, c)] += p[i * nk + j] * gh.at(i, c);
              gp[i * nk + j] += gh.at(i, c) * vh.at(j, c);
            }
          }
          Softmax.backward(p, gp, i * nk, 1, nk, gp);
          for (int j = 0; j < nk; j++) {
            for (int c = 0; c < d; c++) {
              gq[gqh.index(i, c)] += scale * gp[i * nk + j] * kh.at(j, c);
              gk[gkh.index(j, c)] += scale * gp[i * nk + j] * qh.at(i, c);
            }
          }
        }
      }
    }
    writeColumns(gq, gradQ, channels);
    writeColumns(gk, gradK, channels);
    writeColumns(gv, gradV, channels);
  }

  /** Writes the heads' columns only: the rest of a packed tensor belongs to another gradient. */
  private static void writeColumns(double[] values, Heads target, int channels) {
    Tensor t = target.tensor();
    int r = t.dim(-1);
    for (int row = 0; row < t.rows(); row++) {
      for (int c = 0; c < channels; c++) {
        int i = row * r + target.offset() + c;
        t.set(i, values[i]);
      }
    }
  }

  /** What the gate needs of one sample: both softmaxes and the head means of the second. */
  private record Gate(double[] qs, double[] ks, double[] kMean, double[] sigmoid) {
    static Gate of(double[] q, double[] x, int start, int n, int channels, int heads) {
      int d = channels / heads;
      double[] qs = new double[n * channels];
      double[] ks = new double[n * channels];
      System.arraycopy(q, start, qs, 0, qs.length);
      System.arraycopy(x, start, ks, 0, ks.length);
      for (int c = 0; c < channels; c++) {
        Softmax.forward(qs, c, channels, n, qs);
        Softmax.forward(ks, c, channels, n, ks);
      }
      double[] kMean = new double[n * heads];
      double[] s = new double[channels];
      for (int t = 0; t < n; t++) {
        for (int c = 0; c < channels; c++) {
          kMean[t * heads + c / d] += ks[t * channels + c] / d;
        }
        for (int c = 0; c < channels; c++) {
          s[c] += qs[t * channels + c] * kMean[t * heads + c / d];
        }
      }
      for (int c = 0; c < channels; c++) {
        s[c] = ReferenceElementwise.sigmoid(s[c]);
      }
      return new Gate(qs, ks, kMean, s);
    }
  }

  @Override
  public void channelGate(
      Tensor q, Tensor x, Tensor v, Tensor temperature, int heads, Tensor out, Tensor sigmoid) {
    int n = q.dim(1);
    int channels = q.dim(2);
    int d = channels / heads;
    double[] qv = Doubles.of(q);
    double[] xv = Doubles.of(x);
    double[] vv = Doubles.of(v);
    double[] temp = Doubles.of(temperature);
    double[] y = new double[vv.length];
    double[] sigmoids = new double[q.dim(0) * channels];
    for (int b = 0; b < q.dim(0); b++) {
      int start = b * n * channels;
      Gate gate = Gate.of(qv, xv, start, n, channels, heads);
      System.arraycopy(gate.sigmoid, 0, sigmoids, b * channels, channels);
      for (int t = 0; t < n; t++) {
        for (int c = 0; c < channels; c++) {
          int i = start + t * channels + c;
          y[i] = temp[c / d] * gate.sigmoid[c] * vv[i];
        }
      }
    }
    Doubles.write(y, out);
    Doubles.write(sigmoids, sigmoid);
  }

  @Override
  public void channelGateBackward(
      Tensor gradOut,
      Tensor q,
      Tensor x,
      Tensor v,
      Tensor temperature,
      int heads,
      Tensor sigmoid,
      Tensor gradQ,
      Tensor gradX,
      Tensor gradV,
      Tensor gradTemperature) {
    int n = q.dim(1);
    int channels = q.dim(2);
    int d = channels / heads;
    double[] g = Doubles.of(gradOut);
    double[] qv = Doubles.of(q);
    double[] xv = Doubles.of(x);
    double[] vv = Doubles.of(v);
    double[] temp = Doubles.of(temperature);
    double[] gq = new double[qv.length];
    double[] gx = new double[qv.length];
    double[] gv = new double[qv.length];
    double[] gTemp = new double[heads];
    for (int b = 0; b < q.dim(0); b++) {
      int start = b * n * channels;
      Gate gate = Gate.of(qv, xv, start, n, channels, heads);
      double[] gs = new double[channels];
      for (int c = 0; c < channels; c++) {
        double sig = gate.sigmoid[c];
        double dot = 0;
        for (int t = 0; t < n; t++) {
          int i = start + t * channels + c;
          gv[i] = temp[c / d] * sig * g[i];
          dot += g[i] * vv[i];
        }
        gTemp[c / d] += sig * dot;
        gs[c] = temp[c / d] * sig * (1 - sig) * dot;
      }
      double[] gQs = new double[n * channels];
      double[] gKs = new double[n * channels];
      for (int t = 0; t < n; t++) {
        double[] gMean = new double[heads];
        for (int c = 0; c < channels; c++) {
          gQs[t * channels + c] = gs[c] * gate.kMean[t * heads + c / d];
          gMean[c / d] += gs[c] * gate.qs[t * channels + c];
        }
        for (int c = 0; c < channels; c++) {
          gKs[t * channels + c] = gMean[c / d] / d;
        }
      }
      for (int c = 0; c < channels; c++) {
        Softmax.backward(gate.qs, gQs, c, channels, n, gQs);
        Softmax.backward(gate.ks, gKs, c, channels, n, gKs);
      }
      System.arraycopy(gQs, 0, gq, start, gQs.length);
      System.arraycopy(gKs, 0, gx, start, gKs.length);
    }
    Doubles.write(gq, gradQ);
    Doubles.write(gx, gradX);
    Doubles.write(gv, gradV);
    Doubles.write(gTemp, gradTemperature);
  }

  @Override
  public void softmax(Tensor x, Tensor out) {
    double[] y = Doubles.of(x).clone();
    int n = x.dim(-1);
    for (int r = 0; r < x.rows(); r++) {
      Softmax.forward(y, r * n, 1, n, y);
    }
    Doubles.write(y, out);
  }

  @Override
  public void softmaxBackward(Tensor out, Tensor gradOut, Tensor gradX) {
    double[] p = Doubles.of(out);
    double[] gx = Doubles.of(gradOut).clone();
    int n = out.dim(-1);
    for (int r = 0; r < out.rows(); r++) {
      Softmax.backward(p, gx, r * n, 1, n, gx);
    }
    Doubles.write(gx, gradX);
  }
}
