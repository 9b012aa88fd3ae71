package dev.changenet.benchmark;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Adam;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.cpu.MachinePeak;
import dev.changenet.tensor.cpu.Parallel;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Times whole training and inference steps and prints them beside the machine's measured peak.
 *
 * <pre>{@code
 * scripts/benchmark.sh [backbones=fan_tiny_8_p4_hybrid] [sizes=128,256] [batches=1]
 *     [tasks=inference,train] [embed_dim=256] [rounds=7] [threads=N]
 * }</pre>
 */
public final class Main {
  private static final List<Double> WEIGHTS = List.of(0.5, 0.5, 0.5, 0.8, 1.0);

  private final Map<String, String> options = new LinkedHashMap<>();
  private final PrintStream out;

  private Main(PrintStream out) {
    this.out = out;
    options.put("backbones", "fan_tiny_8_p4_hybrid");
    options.put("sizes", "128,256");
    options.put("batches", "1");
    options.put("tasks", "inference,train");
    options.put("embed_dim", "256");
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

  private String[] list(String key) {
    return options.get(key).split(",");
  }

  private void run() {
    Parallel.setThreads(Integer.parseInt(options.get("threads")));
    double peak = MachinePeak.flops();
    out.printf(
        Locale.ROOT,
        "%d threads, measured peak %.0f GFLOP/s (float32 multiply-add), copy %.1f GB/s%n%n",
        Parallel.threads(),
        peak * 1e-9,
        MachinePeak.copyBandwidth() * 1e-9);
    out.println(
        "task       backbone                 px batch  median ms    best ms  pairs/s  GFLOP/s"
            + "  of peak  tensors MiB");
    for (String backbone : list("backbones")) {
      for (String size : list("sizes")) {
        for (String batch : list("batches")) {
          for (String task : list("tasks")) {
            measure(task, backbone, Integer.parseInt(size), Integer.parseInt(batch), peak);
          }
        }
      }
    }
  }

  private void measure(String task, String backbone, int px, int batch, double peak) {
    int embed = Integer.parseInt(options.get("embed_dim"));
    boolean train = task.equals("train");
    try (ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of(backbone, embed, 2))) {
      net.initialize(1);
      double flops = batch * StepCost.forwardFlops(net, px) * (train ? 3 : 1);
      Runnable step = train ? trainStep(net, px, batch) : inferenceStep(net, px, batch);
      long warm = System.nanoTime();
      int warmups = 0;
      while (warmups < 3 || System.nanoTime() - warm < 4_000_000_000L) {
        step.run();
        warmups++;
      }
      MemoryUse.resetPeak();
      double[] seconds = new double[Integer.parseInt(options.get("rounds"))];
      for (int i = 0; i < seconds.length; i++) {
        long began = System.nanoTime();
        step.run();
        seconds[i] = (System.nanoTime() - began) * 1e-9;
      }
      Arrays.sort(seconds);
      double median = seconds[seconds.length / 2];
      out.printf(
          Locale.ROOT,
          "%-10s %-23s %4d %5d %10.1f %10.1f %8.2f %8.1f %7.1f%% %12d%n",
          task,
          backbone,
          px,
          batch,
          median * 1e3,
          seconds[0] * 1e3,
          batch / median,
          flops / median * 1e-9,
          100 * flops / median / peak,
          MemoryUse.peakBytes() >> 20);
    }
    HeapStorage.trimPool();
  }

  private static Variable image(int px, int batch, long seed) {
    float[] values = new float[batch * px * px * 3];
    Random random = new Random(seed);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return new Variable(Tensor.of(values, batch, px, px, 3).detached());
  }

  private static Runnable inferenceStep(ChangeNet net, int px, int batch) {
    net.eval();
    Variable a = image(px, batch, 1);
    Variable b = image(px, batch, 2);
    return () -> {
      try (NoGrad _ = NoGrad.open();
          Scope _ = Scope.open()) {
        net.forward(a, b);
      }
    };
  }

  private static Runnable trainStep(ChangeNet net, int px, int batch) {
    net.train(true);
    Variable a = image(px, batch, 1);
    Variable b = image(px, batch, 2);
    int[] labels = new Random(3).ints((long) batch * px * px, 0, 2).toArray();
    SegmentationLoss loss = new SegmentationLoss(SegmentationLoss.Kind.CE, true, WEIGHTS);
    Adam optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01);
    return () -> {
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        loss.compute(net.forward(a, b), labels).total().backward();
      }
      optimizer.step();
      optimizer.zeroGrad();
    };
  }
}
