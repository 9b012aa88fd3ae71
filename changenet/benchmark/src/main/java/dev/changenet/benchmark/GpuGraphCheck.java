package dev.changenet.benchmark;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.cuda.CudaBackend;
import dev.changenet.tensor.cuda.CudaGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Compares training steps on the GPU with replays of a recorded step: losses and weights must be
 * the same, bit for bit, with new images, labels, random draws and learning rates at each step.
 * Arguments: {@code backbone:batch:px:steps:precision …}. Also prints how long the program itself
 * takes to start an ordinary step and to collect the inputs of a replay. Exit status 1 where
 * something differs.
 */
public final class GpuGraphCheck {
  /** Steps before one is recorded. */
  private static final int ORDINARY = 2;

  private GpuGraphCheck() {}

  /**
   * What a training computed.
   *
   * @param millis time to start the last step, or to collect a replay's inputs
   */
  private record Run(List<Double> losses, List<float[]> weights, double millis) {}

  public static void main(String[] args) {
    boolean all = true;
    for (String spec : args) {
      String[] part = spec.split(":");
      int batch = Integer.parseInt(part[1]);
      int px = Integer.parseInt(part[2]);
      int steps = Integer.parseInt(part[3]);
      CudaBackend gpu = (CudaBackend) Backends.of(Device.cuda(0));
      gpu.allowTf32(part[4].equals("tf32"));
      DType type = MixedStep.activations(part[4]);
      Run expected = run(gpu, type, part[0], batch, px, steps, false);
      Run actual = run(gpu, type, part[0], batch, px, steps, true);
      int different = 0;
      for (int i = 0; i < expected.weights.size(); i++) {
        if (!Arrays.equals(expected.weights.get(i), actual.weights.get(i))) {
          different++;
        }
      }
      boolean same = different == 0 && expected.losses.equals(actual.losses);
      all &= same;
      System.out.printf(
          Locale.ROOT,
          "%s: %s; losses %s (%s), %d of %d tensors differ; start of a step %.2f ms, inputs of a replay"
              + " %.2f ms%n",
          spec,
          same ? "identical" : "DIFFERENT",
          actual.losses,
          expected.losses,
          different,
          expected.weights.size(),
          expected.millis,
          actual.millis);
    }
    System.exit(all && args.length > 0 ? 0 : 1);
  }

  private static Run run(
      CudaBackend gpu,
      DType activations,
      String backbone,
      int batch,
      int px,
      int steps,
      boolean replay) {
    Device device = Device.cuda(0);
    SegmentationLoss loss =
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));
    List<Double> losses = new ArrayList<>();
    double millis = 0;
    CudaGraph graph = null;
    Tensor[] total = new Tensor[1];
    try (ChangeNet net = new ChangeNet(device, NetworkCases.config(backbone));
        Optimizer optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01);
        MixedStep mixed = new MixedStep(optimizer, device, activations)) {
      net.initialize(1);
      net.setActivations(activations);
      net.train(true);
      for (int i = 0; i < steps; i++) {
        int step = i;
        net.random().set(1, step);
        optimizer.setLr(1e-4 / (1 + step));
        float[] a = CaseSpec.data(batch * px * px * 3, 100 + step);
        float[] b = CaseSpec.data(batch * px * px * 3, 200 + step);
        int[] labels = new int[batch * px * px];
        for (int k = 0; k < labels.length; k++) {
          labels[k] = (k / 64 + step) % 3 == 0 ? 1 : 0;
        }
        Runnable work =
            () ->
                total[0] =
                    step(
                        loss,
                        mixed,
                        () -> net.forward(image(a, batch, px), image(b, batch, px)),
                        labels);
        gpu.synchronize();
        long began = System.nanoTime();
        if (!replay || step < ORDINARY) {
          work.run();
        } else if (graph == null) {
          graph = gpu.capture(false, work);
        } else {
          Tensor recorded = total[0];
          graph.replay(
              () -> {
                work.run();
                total[0].close();
              });
          total[0] = recorded;
        }
        millis = graph == null ? (System.nanoTime() - began) / 1e6 : graph.renewalMillis();
        losses.add(total[0].item());
        mixed.settle();
        if (graph == null) {
          total[0].close();
        }
      }
      if (graph != null) {
        total[0].close();
        graph.close();
      }
      List<float[]> weights = new ArrayList<>();
      net.stateDict().values().forEach(t -> weights.add(t.toFloatArray()));
      return new Run(losses, weights, millis);
    }
  }

  private static Variable image(float[] values, int batch, int px) {
    return new Variable(Tensor.of(values, batch, px, px, 3).to(Device.cuda(0)));
  }

  private static Tensor step(
      SegmentationLoss loss, MixedStep mixed, Supplier<List<Variable>> forward, int[] labels) {
    Tensor total;
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable sum = loss.compute(forward.get(), labels).total();
      total = sum.data().share();
      mixed.backward(sum);
    }
    mixed.unscale();
    mixed.update();
    return total;
  }
}
