package dev.changenet.benchmark;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The least time that a GPU can take for a step with the kernels we have: for each kernel the
 * longer of its multiply-adds over the measured rate of matrix products and its bytes over the
 * measured bandwidth of copies. Arguments as {@link GpuMain}'s cases; with {@code tflops=… gbs=…}
 * instead of measured rates it needs no GPU. Prints a line of JSON per case and the kernels with
 * the largest shares.
 */
public final class GpuFloor {
  private static final int SIDE = 8192;
  private static final int ROUNDS = 20;
  private static final int SHOWN = 12;

  private GpuFloor() {}

  public static void main(String[] args) {
    double flops = 0;
    double bytes = 0;
    for (String arg : args) {
      if (arg.startsWith("tflops=")) {
        flops = 1e12 * Double.parseDouble(arg.substring("tflops=".length()));
      } else if (arg.startsWith("gbs=")) {
        bytes = 1e9 * Double.parseDouble(arg.substring("gbs=".length()));
      } else {
        print(arg, flops, bytes);
      }
    }
  }

  private static void print(String spec, double givenFlops, double givenBytes) {
    String[] part = spec.split(":");
    DType type = MixedStep.activations(part[4]);
    double flops = givenFlops > 0 ? givenFlops : matrixRate(type, !part[4].equals("fp32"));
    double bytes = givenBytes > 0 ? givenBytes : bandwidth();
    Map<String, double[]> kernels = new LinkedHashMap<>();
    boolean[] counting = {false};
    try (DryRun _ =
            DryRun.open(
                (kernel, arguments) -> {
                  if (counting[0]) {
                    KernelWork w = KernelWork.of(kernel, arguments);
                    double seconds = Math.max(w.flops() / flops, w.bytes() / bytes);
                    KernelWork.add(kernels, kernel, 1, w.flops(), w.bytes(), seconds);
                  }
                });
        Case c =
            NetworkCases.network(
                Device.cuda(0),
                type,
                part[0],
                part[3].equals("train"),
                Integer.parseInt(part[2]),
                Integer.parseInt(part[1]),
                0)) {
      c.run();
      counting[0] = true;
      c.run();
    }
    double[] all = new double[4];
    kernels.values().forEach(k -> Arrays.setAll(all, i -> all[i] + k[i]));
    System.out.printf(
        Locale.ROOT,
        "{\"case\": \"%s\", \"kernels\": %.0f, \"tflop\": %.3f, \"gb\": %.2f, \"tflops\": %.0f,"
            + " \"gbs\": %.0f, \"floor_ms\": %.2f}%n",
        spec,
        all[0],
        all[1] / 1e12,
        all[2] / 1e9,
        flops / 1e12,
        bytes / 1e9,
        all[3] * 1e3);
    kernels.entrySet().stream()
        .sorted((a, b) -> Double.compare(b.getValue()[3], a.getValue()[3]))
        .limit(SHOWN)
        .forEach(
            e ->
                System.out.printf(
                    Locale.ROOT,
                    "%8.3f ms %5.0f x %8.3f TFLOP %8.2f GB  %s%n",
                    e.getValue()[3] * 1e3,
                    e.getValue()[0],
                    e.getValue()[1] / 1e12,
                    e.getValue()[2] / 1e9,
                    e.getKey()));
  }

  private static double matrixRate(DType type, boolean tf32) {
    CudaBackend gpu = (CudaBackend) Backends.of(Device.cuda(0));
    gpu.allowTf32(tf32);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.empty(Shape.of(SIDE, SIDE), type, Device.cuda(0));
      Tensor w = Tensor.full(Shape.of(SIDE, SIDE), DType.FLOAT32, Device.cuda(0), 0.01);
      Tensor out = Tensor.empty(Shape.of(SIDE, SIDE), type, Device.cuda(0));
      gpu.elementwise().fill(x, 0.5);
      double seconds = seconds(gpu, () -> gpu.dense().linear(x, w, null, out));
      return 2.0 * SIDE * SIDE * SIDE / seconds;
    }
  }

  private static double bandwidth() {
    CudaBackend gpu = (CudaBackend) Backends.of(Device.cuda(0));
    try (Scope _ = Scope.open()) {
      Shape shape = Shape.of(1 << 28);
      Tensor from = Tensor.empty(shape, DType.FLOAT32, Device.cuda(0));
      Tensor to = Tensor.empty(shape, DType.FLOAT32, Device.cuda(0));
      double seconds = seconds(gpu, () -> gpu.elementwise().copy(from, to));
      return 2.0 * 4 * (1 << 28) / seconds;
    }
  }

  private static double seconds(CudaBackend gpu, Runnable work) {
    for (int i = 0; i < ROUNDS; i++) {
      work.run();
    }
    gpu.synchronize();
    long began = System.nanoTime();
    for (int i = 0; i < ROUNDS; i++) {
      work.run();
    }
    gpu.synchronize();
    return (System.nanoTime() - began) * 1e-9 / ROUNDS;
  }
}
