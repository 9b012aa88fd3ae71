package dev.changenet.benchmark;

import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.cpu.MachinePeak;
import dev.changenet.tensor.cpu.Parallel;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Prints a table of kernels at the network's shapes, as fractions of the machine's measured peak,
 * and one of whole training and inference steps.
 *
 * <pre>{@code
 * scripts/benchmark.sh [parts=kernels,steps] [kernels=conv2d,linear] [backbones=all] [sizes=128,256]
 *     [batches=1] [tasks=infer,train] [rounds=7] [threads=N]
 * }</pre>
 */
public final class Main {
  private static final List<String> BACKBONES =
      List.of(
          "fan_tiny_8_p4_hybrid",
          "fan_small_12_p4_hybrid",
          "fan_base_16_p4_hybrid",
          "fan_large_16_p4_hybrid");

  /** Shapes of fan_tiny and its decode head for a pair of 256 px. */
  private static final List<String> KERNELS =
      List.of(
          "sgemm m=512 n=512 k=512",
          "sgemm m=1024 n=1024 k=1024",
          "sgemm m=2048 n=2048 k=2048",
          "linear r=8192 c=128 o=512",
          "linear r=8192 c=512 o=128 dir=bwdx",
          "linear r=8192 c=128 o=512 dir=bwdw",
          "linear r=512 c=192 o=768",
          "linear r=512 c=768 o=192",
          "conv2d c=256 o=256 h=256",
          "conv2d c=256 o=256 h=128",
          "conv2d c=256 o=256 h=128 dir=bwdx",
          "conv2d c=256 o=256 h=128 dir=bwdw",
          "conv2d c=256 o=256 h=64",
          "conv2d c=256 o=256 h=64 dir=bwdx",
          "conv2d c=256 o=256 h=64 dir=bwdw",
          "conv2d c=512 o=256 h=64",
          "conv2d c=512 o=256 h=16",
          "conv2d c=256 o=2 h=256",
          "deconv2d c=256 o=256 h=128 k=4 s=2 p=1",
          "deconv2d c=256 o=256 h=128 k=4 s=2 p=1 dir=bwdx",
          "deconv2d c=256 o=256 h=128 k=4 s=2 p=1 dir=bwdw",
          "conv2d n=2 c=128 o=128 h=64 k=7 g=128",
          "conv2d n=2 c=768 o=768 h=16 k=3 g=768",
          "attn b=2 heads=8 t=256 d=24",
          "layernorm r=8192 c=128",
          "layernorm r=8192 c=128 dir=bwd",
          "batchnorm r=4096 c=256",
          "batchnorm r=4096 c=256 dir=bwd",
          "gelu r=8192 c=512",
          "add r=65536 c=256",
          "resize h=32 c=256");

  private final Map<String, String> options = new LinkedHashMap<>();
  private final PrintStream out;
  private double peak;
  private double bandwidth;

  private Main(PrintStream out) {
    this.out = out;
    options.put("parts", "kernels,steps");
    options.put("kernels", "");
    options.put("backbones", "all");
    options.put("sizes", "128,256");
    options.put("batches", "1");
    options.put("tasks", "infer,train");
    options.put("rounds", "7");
    options.put("threads", Integer.toString(Parallel.threads()));
  }

  public static void main(String[] args) {
    Main main = new Main(System.out);
    for (String arg : args) {
      int eq = arg.indexOf('=');
      if (eq < 0 || main.options.put(arg.substring(0, eq), arg.substring(eq + 1)) == null) {
        System.err.println(
            "benchmark: unknown argument '" + arg + "'; known: " + main.options.keySet());
        System.exit(2);
      }
    }
    main.run();
  }

  private List<String> list(String key) {
    return List.of(options.get(key).split(","));
  }

  private void run() {
    Parallel.setThreads(Integer.parseInt(options.get("threads")));
    peak = MachinePeak.flops();
    bandwidth = MachinePeak.copyBandwidth();
    out.printf(
        Locale.ROOT,
        "%d threads, measured peak %.0f GFLOP/s (float32 multiply-add), copy %.1f GB/s%n",
        Parallel.threads(),
        peak * 1e-9,
        bandwidth * 1e-9);
    if (list("parts").contains("kernels")) {
      out.printf("%n%-52s %10s %10s %9s %9s%n", "kernel", "median ms", "best ms", "G/s", "of peak");
      KERNELS.stream().filter(this::wanted).forEach(this::kernel);
      out.println(
          "G/s: GFLOP/s of the direct algorithm, which Winograd's undercuts; GB/s where only data"
              + " moves.");
    }
    if (list("parts").contains("steps")) {
      out.printf(
          "%n%-6s %-23s %4s %5s %10s %10s %8s %8s %8s %12s%n",
          "task",
          "backbone",
          "px",
          "batch",
          "median ms",
          "best ms",
          "pairs/s",
          "GFLOP/s",
          "of peak",
          "tensors MiB");
      List<String> backbones =
          options.get("backbones").equals("all") ? BACKBONES : list("backbones");
      for (String backbone : backbones) {
        for (String px : list("sizes")) {
          for (String batch : list("batches")) {
            list("tasks").forEach(task -> step(task, backbone, px, Integer.parseInt(batch)));
          }
        }
      }
    }
  }

  private boolean wanted(String kernel) {
    String names = options.get("kernels");
    return names.isEmpty() || list("kernels").contains(new CaseSpec(kernel).op());
  }

  private void kernel(String text) {
    try (Scope _ = Scope.open();
        Case c = KernelCases.of(new CaseSpec(text))) {
      Timing t = Timing.of(c, Integer.parseInt(options.get("rounds")), 1_000_000_000L);
      boolean computes = c.flops() > 0;
      double rate = (computes ? c.flops() : c.bytes()) / t.median();
      out.printf(
          Locale.ROOT,
          "%-52s %10.3f %10.3f %9.1f %8.1f%%%n",
          text,
          t.median() * 1e3,
          t.best() * 1e3,
          rate * 1e-9,
          100 * rate / (computes ? peak : bandwidth));
    }
    HeapStorage.trimPool();
  }

  private void step(String task, String backbone, String px, int batch) {
    String text = task + " path=" + backbone + " px=" + px + " b=" + batch;
    try (Scope _ = Scope.open();
        Case c = NetworkCases.of(new CaseSpec(text))) {
      MemoryUse.resetPeak();
      Timing t = Timing.of(c, Integer.parseInt(options.get("rounds")), 6_000_000_000L);
      out.printf(
          Locale.ROOT,
          "%-6s %-23s %4s %5d %10.1f %10.1f %8.2f %8.1f %7.1f%% %12d%n",
          task,
          backbone,
          px,
          batch,
          t.median() * 1e3,
          t.best() * 1e3,
          batch / t.median(),
          c.flops() / t.median() * 1e-9,
          100 * c.flops() / t.median() / peak,
          MemoryUse.peakBytes() >> 20);
    }
    HeapStorage.trimPool();
  }
}
