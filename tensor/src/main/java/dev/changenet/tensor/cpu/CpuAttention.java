package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;
import dev.changenet.tensor.cpu.TokenAttention.Rows;
import dev.changenet.tensor.reference.ReferenceAttention;

/** Token attention, channel gate and softmax; float64 tensors go to the reference kernels. */
final class CpuAttention implements Attention {
  /** With at least this many heads in the batch a head is one task. */
  private static final int ENOUGH_TASKS = 16;

  /** Elements of one softmax task. */
  private static final int BLOCK = 1 << 14;

  private final Attention reference = new ReferenceAttention();

  /** The rows of head {@code h} of sample {@code b}. */
  private static Rows rows(Tensor x, int offset, int b, int h, int d) {
    int width = x.dim(-1);
    return new Rows(x.floats(), b * x.dim(1) * width + offset + h * d, width);
  }

  private static Rows rows(Heads x, int b, int h, int d) {
    return rows(x.tensor(), x.offset(), b, h, d);
  }

  @Override
  public void attention(Heads q, Heads k, Heads v, int heads, float scale, Tensor out, Tensor lse) {
    if (out.dtype() == DType.FLOAT64) {
      reference.attention(q, k, v, heads, scale, out, lse);
      return;
    }
    int batch = out.dim(0);
    int nq = out.dim(1);
    int nk = k.tensor().dim(1);
    int d = out.dim(-1) / heads;
    float[] sums = lse.floats();
    int chunk = batch * heads >= ENOUGH_TASKS ? Math.max(1, nq) : 2 * TokenAttention.QUERIES;
    int chunks = (nq + chunk - 1) / chunk;
    Parallel.forEach(
        batch * heads * chunks,
        task -> {
          int head = task / chunks;
          int first = task % chunks * chunk;
          int b = head / heads;
          int h = head % heads;
          TokenAttention.forward(
              rows(q, b, h, d),
              rows(k, b, h, d),
              rows(v, b, h, d),
              first,
              Math.min(nq, first + chunk),
              nk,
              d,
              scale,
              rows(out, 0, b, h, d),
              sums,
              head * nq);
        });
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
    if (out.dtype() == DType.FLOAT64) {
      reference.attentionBackward(gradOut, q, k, v, heads, scale, out, lse, gradQ, gradK, gradV);
      return;
    }
    int nq = out.dim(1);
    int nk = k.tensor().dim(1);
    int d = out.dim(-1) / heads;
    float[] sums = lse.floats();
    Parallel.forEach(
        out.dim(0) * heads,
        task -> {
          int b = task / heads;
          int h = task % heads;
          TokenAttention.backward(
              rows(gradOut, 0, b, h, d),
              rows(q, b, h, d),
              rows(k, b, h, d),
              rows(v, b, h, d),
              nq,
              nk,
              d,
              scale,
              rows(out, 0, b, h, d),
              sums,
              task * nq,
              rows(gradQ, b, h, d),
              rows(gradK, b, h, d),
              rows(gradV, b, h, d));
        });
  }

  @Override
  public void channelGate(
      Tensor q, Tensor x, Tensor v, Tensor temperature, int heads, Tensor out, Tensor sigmoid) {
    if (x.dtype() == DType.FLOAT64) {
      reference.channelGate(q, x, v, temperature, heads, out, sigmoid);
      return;
    }
    int n = x.dim(1);
    int c = x.dim(-1);
    int d = c / heads;
    float[] t = temperature.floats();
    Parallel.forEach(
        x.dim(0) * heads,
        task -> {
          int h = task % heads;
          int at = task / heads * n * c + h * d;
          int sigmoidAt = task / heads * c + h * d;
          ChannelGate.forward(
              q.floats(),
              x.floats(),
              v.floats(),
              at,
              n,
              c,
              d,
              t[h],
              out.floats(),
              sigmoid.floats(),
              sigmoidAt);
        });
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
    if (x.dtype() == DType.FLOAT64) {
      reference.channelGateBackward(
          gradOut, q, x, v, temperature, heads, sigmoid, gradQ, gradX, gradV, gradTemperature);
      return;
    }
    int batch = x.dim(0);
    int n = x.dim(1);
    int c = x.dim(-1);
    int d = c / heads;
    float[] t = temperature.floats();
    float[] partial = Scratch.floats(Scratch.Slot.REDUCE, batch * heads);
    Parallel.forEach(
        batch * heads,
        task -> {
          int h = task % heads;
          int at = task / heads * n * c + h * d;
          int sigmoidAt = task / heads * c + h * d;
          partial[task] =
              ChannelGate.backward(
                  gradOut.floats(),
                  q.floats(),
                  x.floats(),
                  v.floats(),
                  at,
                  n,
                  c,
                  d,
                  t[h],
                  sigmoid.floats(),
                  sigmoidAt,
                  gradQ.floats(),
                  gradX.floats(),
                  gradV.floats());
        });
    float[] gt = gradTemperature.floats();
    for (int h = 0; h < heads; h++) {
      double sum = 0;
      for (int b = 0; b < batch; b++) {
        sum += partial[b * heads + h];
      }
      gt[h] = (float) sum;
    }
  }

  @Override
  public void softmax(Tensor x, Tensor out) {
    if (x.dtype() == DType.FLOAT64) {
      reference.softmax(x, out);
      return;
    }
    float[] in = x.floats();
    float[] y = out.floats();
    int n = x.dim(-1);
    Parallel.forBlocks(
        x.rows(),
        Math.max(1, BLOCK / n),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            int at = r * n;
            float max = RowKernels.max(in, at, n);
            float sum = RowKernels.exp(in, at, n, max, y, at);
            RowKernels.scale(y, at, n, 1 / sum, y, at);
          }
        });
  }

  @Override
  public void softmaxBackward(Tensor out, Tensor gradOut, Tensor gradX) {
    if (out.dtype() == DType.FLOAT64) {
      reference.softmaxBackward(out, gradOut, gradX);
      return;
    }
    float[] y = out.floats();
    float[] g = gradOut.floats();
    float[] gx = gradX.floats();
    int n = out.dim(-1);
    Parallel.forBlocks(
        out.rows(),
        Math.max(1, BLOCK / n),
        (from, to) -> {
          for (int r = from; r < to; r++) {
            int at = r * n;
            RowKernels.softmaxGradient(y, at, g, at, n, RowKernels.dot(y, at, g, at, n), gx, at);
          }
        });
  }
}
