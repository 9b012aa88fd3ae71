package dev.changenet.tensor.cpu;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.backend.Dense;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;

/**
 * Prints time and arithmetic speed of the hot kernels, best of several runs, against the rate of
 * fused multiply-adds that the same threads reach from registers.
 *
 * <p>Arguments: the number of threads (default: all), then parts of kernel names to select.
 */
final class KernelBenchmark {
  private static final double SECONDS_PER_KERNEL = 1.0;

  private final PrintStream out;
  private final String[] selection;
  private double peak;

  private KernelBenchmark(PrintStream out, String[] selection) {
    this.out = out;
    this.selection = selection;
  }

  public static void main(String[] args) {
    if (args.length > 0) {
      Parallel.setThreads(Integer.parseInt(args[0]));
    }
    String[] names = args.length > 1 ? java.util.Arrays.copyOfRange(args, 1, args.length) : args;
    new KernelBenchmark(System.out, args.length > 1 ? names : new String[0]).run();
  }

  private void run() {
    peak = MachinePeak.flops() * 1e-9;
    out.printf("%d threads, peak %.1f GFLOP/s%n", Parallel.threads(), peak);
    out.printf("%-27s %-28s %9s %9s %6s%n", "kernel", "shape", "ms", "GFLOP/s", "peak");
    dense();
    ConvolutionMode.set(ConvolutionMode.FAST);
    for (int size : new int[] {32, 64, 128, 256}) {
      convolution(size, 256, 256, 3, new ConvGeometry(1, 1, 1));
    }
    ConvolutionMode.set(ConvolutionMode.EXACT);
    convolution(64, 512, 256, 3, new ConvGeometry(1, 1, 1));
    convolution(64, 256, 256, 3, new ConvGeometry(1, 1, 1));
    convolution(128, 256, 256, 3, new ConvGeometry(1, 1, 1));
    convolution(256, 256, 256, 3, new ConvGeometry(1, 1, 1));
    convolution(16, 256, 256, 3, new ConvGeometry(1, 1, 1));
    convolution(256, 256, 2, 3, new ConvGeometry(1, 1, 1));
    convolution(256, 3, 64, 3, new ConvGeometry(2, 1, 1));
    convolution(64, 128, 128, 3, new ConvGeometry(2, 1, 1));
    convolution(64, 128, 256, 2, new ConvGeometry(2, 0, 1));
    convolution(256, 3, 768, 16, new ConvGeometry(16, 0, 1));
    convolution(64, 128, 128, 7, new ConvGeometry(1, 3, 128));
    convolution(32, 256, 256, 7, new ConvGeometry(1, 3, 256));
    convolution(16, 1024, 1024, 3, new ConvGeometry(1, 1, 1024));
    transposed(64, 256, 256);
    transposed(128, 256, 256);
  }

  private void convolution(int size, int i, int o, int k, ConvGeometry g) {
    Convolution convolution = new CpuConvolution();
    int outSize = g.outSize(size, k);
    Tensor x = KernelSamples.randomTensor(1, 1, size, size, i);
    Tensor w = KernelSamples.randomTensor(2, o, i / g.groups(), k, k);
    Tensor b = KernelSamples.randomTensor(3, o);
    Tensor y = KernelSamples.randomTensor(4, 1, outSize, outSize, o);
    Tensor gx = x.emptyLike();
    Tensor gw = w.emptyLike();
    String shape = size + "^2, " + i + " -> " + o + ", k" + k + " s" + g.stride();
    double flops = 2.0 * outSize * outSize * o * i / g.groups() * k * k;
    boolean fast = ConvolutionMode.get() == ConvolutionMode.FAST;
    String name = g.groups() > 1 ? "depthwise" : fast ? "fast conv" : "conv";
    row(name, shape, flops, () -> convolution.conv2d(x, w, b, g, true, y));
    row(name + " backward input", shape, flops, () -> convolution.conv2dBackwardInput(y, w, g, gx));
    row(
        name + " backward weight",
        shape,
        flops,
        () -> convolution.conv2dBackwardWeight(y, x, g, gw, null));
  }

  private void transposed(int size, int i, int o) {
    ConvGeometry g = new ConvGeometry(2, 1, 1);
    Convolution convolution = new CpuConvolution();
    Tensor x = KernelSamples.randomTensor(1, 1, size, size, i);
    Tensor w = KernelSamples.randomTensor(2, i, o, 4, 4);
    Tensor y = KernelSamples.randomTensor(4, 1, 2 * size, 2 * size, o);
    Tensor gx = x.emptyLike();
    Tensor gw = w.emptyLike();
    String shape = size + "^2, " + i + " -> " + o + ", k4 s2";
    double flops = 2.0 * size * size * o * i * 16;
    row("transposed conv", shape, flops, () -> convolution.convTranspose2d(x, w, null, g, y));
    row(
        "transposed backward input",
        shape,
        flops,
        () -> convolution.convTranspose2dBackwardInput(y, w, g, gx));
    row(
        "transposed backward weight",
        shape,
        flops,
        () -> convolution.convTranspose2dBackwardWeight(y, x, g, gw, null));
  }

  private void dense() {
    for (int n : new int[] {256, 512, 1024, 2048}) {
      matmul(n, false, false);
    }
    matmul(512, false, true);
    matmul(512, true, false);
    linear(65536, 256, 256);
    linear(4096, 512, 128);
    linear(4096, 128, 512);
    linear(256, 384, 1152);
    linear(256, 1536, 384);
    linear(65536, 256, 2);
  }

  private void matmul(int n, boolean ta, boolean tb) {
    Dense dense = new CpuDense();
    Tensor a = KernelSamples.randomTensor(1, 1, n, n);
    Tensor b = KernelSamples.randomTensor(2, 1, n, n);
    Tensor c = Tensor.of(new float[n * n], 1, n, n);
    row(
        "matmul" + (ta ? " A^T" : "") + (tb ? " B^T" : ""),
        n + " x " + n + " x " + n,
        2.0 * n * n * n,
        () -> dense.matmul(a, ta, b, tb, c));
  }

  private void linear(int m, int i, int o) {
    Dense dense = new CpuDense();
    Tensor x = KernelSamples.randomTensor(1, m, i);
    Tensor w = KernelSamples.randomTensor(2, o, i);
    Tensor b = KernelSamples.randomTensor(3, o);
    Tensor y = KernelSamples.randomTensor(4, m, o);
    Tensor gx = x.emptyLike();
    Tensor gw = w.emptyLike();
    String shape = m + " x " + i + " -> " + o;
    double flops = 2.0 * m * i * o;
    row("linear", shape, flops, () -> dense.linear(x, w, b, y));
    row(
        "linear, new weight",
        shape,
        flops,
        () -> {
          w.storage().changed();
          dense.linear(x, w, b, y);
        });
    row("linear backward input", shape, flops, () -> dense.linearBackwardInput(y, w, gx));
    row("linear backward weight", shape, flops, () -> dense.linearBackwardWeight(y, x, gw, null));
  }

  private void row(String kernel, String shape, double flops, Runnable run) {
    boolean selected = selection.length == 0;
    for (String s : selection) {
      selected |= (kernel + " " + shape).contains(s);
    }
    if (!selected) {
      return;
    }
    double seconds = best(run);
    double speed = flops / seconds / 1e9;
    out.printf(
        "%-27s %-28s %9.3f %9.1f %5.0f%%%n",
        kernel, shape, seconds * 1e3, speed, 100 * speed / peak);
  }

  private static double best(Runnable run) {
    double best = Double.MAX_VALUE;
    long start = System.nanoTime();
    int runs = 0;
    while (runs < 5 || System.nanoTime() - start < SECONDS_PER_KERNEL * 1e9) {
      long t = clock();
      run.run();
      best = Math.min(best, (clock() - t) / 1e9);
      runs++;
    }
    return best;
  }

  /** With one thread its CPU time, which other work on the machine disturbs less. */
  private static long clock() {
    return Parallel.threads() == 1
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }
}
