package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Attention.Heads;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Prints the time and memory traffic of the row-wise kernels at 65536 × 256 beside a plain copy.
 * Run {@code main}; arguments are thread counts.
 */
final class PointwiseBenchmark {
  private static final int ROWS = 65536;
  private static final int C = 256;

  /** CPU time of the calling thread tells more than wall time on a busy machine. */
  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

  private PointwiseBenchmark() {}

  private static void report(String name, double megabytes, Runnable body) {
    double wall = Double.MAX_VALUE;
    double cpu = Double.MAX_VALUE;
    long end = System.nanoTime() + 500_000_000L;
    for (int i = 0; i < 10 || System.nanoTime() < end; i++) {
      long start = System.nanoTime();
      long cpuStart = CLOCK.getCurrentThreadCpuTime();
      body.run();
      cpu = Math.min(cpu, (CLOCK.getCurrentThreadCpuTime() - cpuStart) / 1e6);
      wall = Math.min(wall, (System.nanoTime() - start) / 1e6);
    }
    System.out.printf(
        "  %-24s %8.3f ms  %6.1f GB/s   CPU %8.3f ms%n", name, wall, megabytes / wall, cpu);
  }

  public static void main(String[] args) {
    for (String threads : args.length == 0 ? new String[] {"1", "2"} : args) {
      Parallel.setThreads(Integer.parseInt(threads));
      System.out.println("threads " + threads);
      rowWise();
      attention();
      others();
    }
  }

  private static void rowWise() {
    CpuElementwise e = new CpuElementwise();
    CpuNormalization n = new CpuNormalization();
    Tensor x = tensor(1, 8, ROWS / 8, C);
    Tensor g = tensor(2, 8, ROWS / 8, C);
    Tensor out = tensor(3, 8, ROWS / 8, C);
    Tensor w = tensor(4, C);
    Tensor b = tensor(5, C);
    Tensor gw = unwritten(C);
    Tensor gb = unwritten(C);
    Tensor mean = unwritten(ROWS);
    Tensor rstd = unwritten(ROWS);
    Tensor m = unwritten(C);
    Tensor v = unwritten(C);
    double one = ROWS * (double) C * 4 / 1e6;
    report("copy", 2 * one, () -> e.copy(x, out));
    report("add", 3 * one, () -> e.add(x, g, 1, out));
    report("relu", 2 * one, () -> e.activation(Activation.RELU, x, out));
    report("gelu", 2 * one, () -> e.activation(Activation.GELU, x, out));
    report("sigmoid", 2 * one, () -> e.activation(Activation.SIGMOID, x, out));
    report("relu backward", 3 * one, () -> e.activationBackward(Activation.RELU, x, g, out));
    report("gelu backward", 3 * one, () -> e.activationBackward(Activation.GELU, x, g, out));
    report("sumLeading", one, () -> e.sumLeading(x, gw));
    report("addRepeated", 2 * one, () -> e.addRepeated(x, w, out));
    report("residual", 3 * one, () -> e.residual(x, g, w, null, out));
    report("residual backward", 3 * one, () -> e.residualBackward(g, x, w, null, out, gw));
    report("transpose", 2 * one, () -> e.transpose(x, 8, ROWS / 8, C, out));
    report("layerNorm", 2 * one, () -> n.layerNorm(x, w, b, 1e-6, false, out, mean, rstd));
    report(
        "layerNorm backward",
        3 * one,
        () -> n.layerNormBackward(g, x, w, mean, rstd, false, out, gw, gb));
    report("batchStatistics", one, () -> n.batchStatistics(x, m, v));
    report("batchNorm", 2 * one, () -> n.batchNorm(x, m, v, w, b, 1e-5, out));
    report(
        "batchNorm backward",
        5 * one,
        () -> n.batchNormBackward(g, x, m, v, w, 1e-5, true, out, gw, gb));
    CpuAttention a = new CpuAttention();
    report("softmax", 2 * one, () -> a.softmax(x, out));
    report("softmax backward", 3 * one, () -> a.softmaxBackward(x, g, out));
    CpuOptimize o = new CpuOptimize();
    Tensor p = tensor(6, ROWS, C);
    Tensor s = tensor(7, ROWS, C);
    e.fill(s, 1);
    report("adamw", 7 * one, () -> o.adam(p, g, out, s, 1e-9, 0.9, 0.999, 1e-8, 0.1, true, 5));
    CpuResample r = new CpuResample();
    ResizeGeometry up = new ResizeGeometry(Mode.BILINEAR, false, 0.25, 0.25);
    Tensor small = tensor(8, 1, 64, 64, C);
    Tensor large = out.reshape(1, 256, 256, C);
    report("bilinear x4 to 256²", one * 17 / 16, () -> r.resize(small, up, large));
    report("bilinear x4 backward", one * 17 / 16, () -> r.resizeBackward(large, up, small));
  }

  private static void attention() {
    CpuAttention a = new CpuAttention();
    Tensor qkv = tensor(1, 4, 256, 3 * 384);
    Tensor gqkv = unwritten(4, 256, 3 * 384);
    Tensor out = unwritten(4, 256, 384);
    Tensor g = tensor(2, 4, 256, 384);
    Tensor lse = unwritten(4, 8, 256);
    Heads q = new Heads(qkv, 0);
    Heads k = new Heads(qkv, 384);
    Heads v = new Heads(qkv, 768);
    Runnable forward = () -> a.attention(q, k, v, 8, 0.14f, out, lse);
    report("attention 4x8x256x48", 0, forward);
    report(
        "attention backward",
        0,
        () ->
            a.attentionBackward(
                g,
                q,
                k,
                v,
                8,
                0.14f,
                out,
                lse,
                new Heads(gqkv, 0),
                new Heads(gqkv, 384),
                new Heads(gqkv, 768)));
    Tensor t = tensor(3, 8);
    Tensor gt = unwritten(8);
    Tensor sigmoid = unwritten(4, 384);
    Tensor gq = unwritten(4, 256, 384);
    Tensor gx = unwritten(4, 256, 384);
    Tensor gv = unwritten(4, 256, 384);
    report("channelGate 4x256x384", 0, () -> a.channelGate(g, g, g, t, 8, out, sigmoid));
    report(
        "channelGate backward",
        0,
        () -> a.channelGateBackward(g, g, g, g, t, 8, sigmoid, gq, gx, gv, gt));
  }

  private static void others() {
    CpuLoss l = new CpuLoss();
    int pixels = 2 * ROWS;
    Tensor z = tensor(1, 2, ROWS, 2);
    Tensor gz = unwritten(2, ROWS, 2);
    Tensor loss = unwritten(1);
    int[] t = new int[pixels];
    for (int i = 0; i < pixels; i++) {
      t[i] = i / 37 & 1;
    }
    Tensor labels = Tensor.of(t, 2, ROWS);
    Tensor best = Tensor.of(new int[pixels], 2, ROWS);
    report("crossEntropy 2x256²x2", 0, () -> l.crossEntropy(z, labels, 255, loss, gz));
    report("mmIou 2x256²x2", 0, () -> l.mmIou(z, labels, 255, loss, gz));
    report("argmax 2x256²x2", 0, () -> l.argmax(z, best));
  }
}
