package dev.changenet.benchmark;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Compares a network on the GPU with the same network on the CPU: outputs, losses of some training
 * steps and gradients. Arguments: {@code backbone:batch:px:steps:precision …}, the precision {@code
 * fp32}, {@code tf32}, {@code bf16} or {@code fp16}. Exit status 1 where losses are more than 1 %
 * apart, or gradients of the first step by more than half of their norm.
 */
public final class GpuCheck {
  /** Relative difference of the losses of a step. */
  private static final double MOST_APART = 0.01;

  /** In bfloat16 the gradients of single layers are noisy; a wrong kernel makes all of them so. */
  private static final double MOST_GRADIENT_ERROR = 0.5;

  private GpuCheck() {}

  /** What one device computed. */
  private record Run(List<float[]> outputs, List<Double> losses, Map<String, float[]> gradients) {}

  public static void main(String[] args) {
    Map<String, Run> onCpu = new LinkedHashMap<>();
    boolean all = true;
    for (String spec : args) {
      String[] part = spec.split(":");
      int batch = Integer.parseInt(part[1]);
      int px = Integer.parseInt(part[2]);
      int steps = Integer.parseInt(part[3]);
      String network = String.join(":", part[0], part[1], part[2], part[3]);
      Run expected =
          onCpu.computeIfAbsent(
              network, n -> run(Device.CPU, DType.FLOAT32, part[0], batch, px, steps));
      CudaBackend gpu = (CudaBackend) Backends.of(Device.cuda(0));
      gpu.allowTf32(part[4].equals("tf32"));
      DType type = MixedStep.activations(part[4]);
      Run actual = run(Device.cuda(0), type, part[0], batch, px, steps);
      all &= report(spec, expected, actual);
    }
    System.exit(all && args.length > 0 ? 0 : 1);
  }

  private static Run run(
      Device device, DType activations, String backbone, int batch, int px, int steps) {
    List<float[]> outputs = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    Map<String, float[]> gradients = new LinkedHashMap<>();
    SegmentationLoss loss =
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));
    int[] labels = new int[batch * px * px];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = i / 64 % 3 == 0 ? 1 : 0;
    }
    try (ChangeNet net = new ChangeNet(device, NetworkCases.config(backbone));
        Optimizer optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01);
        MixedStep mixed = new MixedStep(optimizer, device, activations);
        Scope _ = Scope.open()) {
      net.initialize(1);
      net.setActivations(activations);
      Variable a = NetworkCases.map(11, batch, 3, px, false, device);
      Variable b = NetworkCases.map(12, batch, 3, px, false, device);
      net.eval();
      try (NoGrad _ = NoGrad.open();
          Scope _ = Scope.open()) {
        for (Variable out : net.forward(a, b)) {
          outputs.add(out.data().toFloatArray());
        }
      }
      net.train(true);
      // A step that was left out is taken again, with a smaller loss scale.
      while (losses.size() < steps) {
        net.random().set(1, losses.size());
        double value;
        try (Scope _ = Scope.open();
            Tape _ = Tape.open()) {
          Variable total = loss.compute(net.forward(a, b), labels).total();
          mixed.backward(total);
          value = total.data().item();
        }
        mixed.unscale();
        if (losses.isEmpty()) {
          for (Parameter p : net.parameters()) {
            if (p.grad() != null) {
              gradients.put(p.name(), p.grad().toFloatArray());
            }
          }
        }
        mixed.update();
        if (mixed.settle()) {
          losses.add(value);
        } else if (!Double.isFinite(value)) {
          throw new IllegalStateException("the loss is " + value);
        }
      }
    }
    return new Run(outputs, losses, gradients);
  }

  /** Prints how far the runs are apart; returns whether that is near enough. */
  private static boolean report(String spec, Run expected, Run actual) {
    StringBuilder line = new StringBuilder(spec).append(": outputs");
    for (int i = 0; i < expected.outputs.size(); i++) {
      line.append(
          String.format(
              Locale.ROOT, " %.1e", error(expected.outputs.get(i), actual.outputs.get(i))));
    }
    line.append(", losses");
    for (int i = 0; i < expected.losses.size(); i++) {
      line.append(
          String.format(Locale.ROOT, " %.6f (%.6f)", actual.losses.get(i), expected.losses.get(i)));
    }
    double apart = 0;
    for (int i = 0; i < expected.losses.size(); i++) {
      double d = Math.abs(actual.losses.get(i) / expected.losses.get(i) - 1);
      // Math.max keeps a NaN, which a comparison would lose.
      apart = Math.max(apart, d);
    }
    line.append(String.format(Locale.ROOT, ", at most %.2f %% apart", 100 * apart));
    double difference = 0;
    double all = 0;
    String worst = "";
    double worstError = 0;
    for (Map.Entry<String, float[]> e : expected.gradients.entrySet()) {
      double d = 0;
      double n = 0;
      float[] g = actual.gradients.get(e.getKey());
      for (int i = 0; i < g.length; i++) {
        double x = g[i] - e.getValue()[i];
        d += x * x;
        n += (double) e.getValue()[i] * e.getValue()[i];
      }
      difference += d;
      all += n;
      if (!(Math.sqrt(d) <= worstError)) {
        worstError = Math.sqrt(d);
        worst = e.getKey();
      }
    }
    line.append(
        String.format(
            Locale.ROOT,
            ", gradient error %.1e of its norm, most in %s",
            Math.sqrt(difference / all),
            worst));
    // Written so that NaN fails.
    boolean near = apart <= MOST_APART && Math.sqrt(difference / all) <= MOST_GRADIENT_ERROR;
    System.out.println(line.append(near ? "" : ", TOO FAR"));
    return near;
  }

  private static double error(float[] expected, float[] actual) {
    double largest = 0;
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      double d = Math.abs(expected[i] - actual[i]);
      worst = Math.max(worst, d);
    }
    return worst / largest;
  }
}
