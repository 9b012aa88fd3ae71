package dev.changenet.tensor.cuda;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;

/**
 * Token attention on tensor cores without a score matrix in memory; softmax and the channel gate.
 *
 * <p>Products of float32 are made of TF32 products: one where the device allows it, otherwise three
 * of split operands, which keep 22 bits.
 */
final class CudaAttention implements Attention {
  private static final String TOKENS = "attention";
  private static final String SOFTMAX = "softmax";

  /** Head widths with kernels of their own; others are padded to the next. */
  private static final int[] WIDTHS = {32, 48, 64, 80, 128};

  private static final int FORWARD_QUERIES = 64;
  private static final int THREADS = 256;
  private static final int GATE_THREADS = 512;
  private static final int GATE_WIDTH = 512;

  private final CudaDevice device;

  CudaAttention(CudaDevice device) {
    this.device = device;
  }

  /** What the kernels of one call have in common. */
  private record Call(
      DType type, int batch, int heads, int width, int nq, int nk, float scale, boolean aligned) {
    int padded() {
      for (int w : WIDTHS) {
        if (width <= w) {
          return w;
        }
      }
      throw new IllegalArgumentException(
          "attention: heads of width " + width + ", at most 128 on the GPU");
    }

    /** Rows of its own that a block of the backward kernels has: as BackwardShape in the source. */
    int backwardRows() {
      return type == DType.FLOAT32 && padded() > 68 ? 32 : 64;
    }
  }

  private static boolean aligned(DType type, int width, Heads... all) {
    int pack = 16 / type.bytes();
    boolean aligned = width % pack == 0;
    for (Heads h : all) {
      aligned &= h.offset() % pack == 0 && h.tensor().dim(-1) % pack == 0;
    }
    return aligned;
  }

  private CudaLaunch tokens(String kernel, Call call) {
    String suffix =
        call.type == DType.FLOAT32 && device.tf32() ? "tf32" : CudaDevice.suffix(call.type);
    return device.launch(TOKENS, kernel + "_d" + call.padded() + "_" + suffix);
  }

  private static CudaLaunch heads(CudaLaunch launch, Heads h) {
    return launch.tensor(h.tensor()).i32(h.offset()).i32(h.tensor().dim(-1));
  }

  private static CudaLaunch sizes(CudaLaunch launch, Call call) {
    return launch
        .i32(call.nq)
        .i32(call.nk)
        .i32(call.width)
        .f32(call.scale)
        .i32(call.aligned ? 1 : 0);
  }

  @Override
  public void attention(Heads q, Heads k, Heads v, int heads, float scale, Tensor out, Tensor lse) {
    if (out.dim(0) == 0) {
      return;
    }
    int width = out.dim(-1) / heads;
    int nq = q.tensor().dim(1);
    Call call =
        new Call(
            out.dtype(),
            out.dim(0),
            heads,
            width,
            nq,
            k.tensor().dim(1),
            scale,
            aligned(out.dtype(), width, q, k, v));
    CudaLaunch launch = tokens("attention_forward", call);
    heads(heads(heads(launch, q), k), v).tensor(out).tensor(lse);
    sizes(launch, call).run(blocks(nq, FORWARD_QUERIES), heads, call.batch, 128, 0);
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
    if (out.dim(0) == 0) {
      return;
    }
    int width = out.dim(-1) / heads;
    int nq = q.tensor().dim(1);
    int nk = k.tensor().dim(1);
    boolean aligned = aligned(out.dtype(), width, q, k, v, gradQ, gradK, gradV);
    Call call = new Call(out.dtype(), out.dim(0), heads, width, nq, nk, scale, aligned);
    int rows = call.backwardRows();
    try (Tensor delta = device.scratch((long) call.batch * heads * nq)) {
      delta(out, gradOut, call, delta);
      CudaLaunch launch = tokens("attention_backward_kv", call).tensor(gradOut);
      heads(heads(heads(launch, q), k), v).tensor(lse).tensor(delta);
      heads(heads(launch, gradK), gradV);
      sizes(launch, call).run(blocks(nk, rows), heads, call.batch, 2 * rows, 0);
      launch = tokens("attention_backward_q", call).tensor(gradOut);
      heads(heads(heads(launch, q), k), v).tensor(lse).tensor(delta);
      heads(launch, gradQ);
      sizes(launch, call).run(blocks(nq, rows), heads, call.batch, 2 * rows, 0);
    }
  }

  /** delta [B, heads, Nq] = Σ out·gradOut over a head's columns. */
  private void delta(Tensor out, Tensor gradOut, Call call, Tensor delta) {
    long count = (long) call.batch * call.nq * call.heads;
    boolean aligned = call.width % (16 / call.type.bytes()) == 0;
    device
        .launch(TOKENS, "attention_delta_" + CudaDevice.suffix(call.type))
        .tensor(out)
        .tensor(gradOut)
        .tensor(delta)
        .i32(call.heads)
        .i32(call.nq)
        .i32(call.width)
        .i64(count)
        .i32(aligned ? 1 : 0)
        .run(CudaGrid.blocks(device, 8 * count, THREADS), 1, 1, THREADS, 0);
  }

  private static int blocks(int n, int each) {
    return (n + each - 1) / each;
  }

  /** Kernel of the channel gate for the widest loads that the heads allow. */
  private CudaLaunch gate(String kernel, Tensor q, int heads) {
    int width = q.dim(2) / heads;
    if (width > GATE_WIDTH) {
      throw new IllegalArgumentException(
          "channelGate: heads of width " + width + ", at most " + GATE_WIDTH + " on the GPU");
    }
    int vector = 16 / q.dtype().bytes();
    while (width % vector != 0) {
      vector = vector == 8 ? 4 : 1;
    }
    return device.launch(SOFTMAX, kernel + "_v" + vector + "_" + CudaDevice.suffix(q.dtype()));
  }

  @Override
  public void channelGate(
      Tensor q, Tensor x, Tensor v, Tensor temperature, int heads, Tensor out, Tensor sigmoid) {
    if (q.elements() == 0) {
      return;
    }
    int batch = q.dim(0);
    int tokens = q.dim(1);
    try (Tensor scratch = device.scratch((long) batch * heads * tokens)) {
      gate("channel_gate", q, heads)
          .tensor(q)
          .tensor(x)
          .tensor(v)
          .tensor(temperature)
          .tensor(out)
          .tensor(sigmoid)
          .tensor(scratch)
          .i32(tokens)
          .i32(q.dim(2))
          .run(heads, batch, 1, GATE_THREADS, 0);
    }
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
    if (q.elements() == 0) {
      CudaElementwise.zero(device, gradTemperature);
      return;
    }
    int batch = q.dim(0);
    int tokens = q.dim(1);
    try (Tensor scratch = device.scratch((long) batch * heads * (2L * tokens + 1))) {
      gate("channel_gate_backward", q, heads)
          .tensor(gradOut)
          .tensor(q)
          .tensor(x)
          .tensor(v)
          .tensor(temperature)
          .tensor(sigmoid)
          .tensor(gradQ)
          .tensor(gradX)
          .tensor(gradV)
          .tensor(scratch)
          .i32(tokens)
          .i32(q.dim(2))
          .run(heads, batch, 1, GATE_THREADS, 0);
      device
          .launch(SOFTMAX, "channel_gate_temperature_f32")
          .tensor(scratch)
          .tensor(gradTemperature)
          .i32(batch)
          .i32(heads)
          .i32(tokens)
          .run(blocks(heads, 32), 1, 1, 32, 0);
    }
  }

  /** Lanes that share a row: a power of two up to a warp. */
  private static int group(int n) {
    int group = 1;
    while (group < n && group < 32) {
      group *= 2;
    }
    return group;
  }

  @Override
  public void softmax(Tensor x, Tensor out) {
    int n = x.dim(-1);
    long rows = x.elements() / n;
    int group = group(n);
    device
        .launch(SOFTMAX, "softmax_" + CudaDevice.suffix(x.dtype()))
        .tensor(x)
        .tensor(out)
        .i64(rows)
        .i32(n)
        .i32(group)
        .run(CudaGrid.blocks(device, rows * group, THREADS), 1, 1, THREADS, 0);
  }

  @Override
  public void softmaxBackward(Tensor out, Tensor gradOut, Tensor gradX) {
    int n = out.dim(-1);
    long rows = out.elements() / n;
    int group = group(n);
    device
        .launch(SOFTMAX, "softmax_backward_" + CudaDevice.suffix(out.dtype()))
        .tensor(out)
        .tensor(gradOut)
        .tensor(gradX)
        .i64(rows)
        .i32(n)
        .i32(group)
        .run(CudaGrid.blocks(device, rows * group, THREADS), 1, 1, THREADS, 0);
  }
}
