package dev.changenet.benchmark;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.decoder.ChangeDecoder;
import dev.changenet.inspect.FlopCount;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Whole networks and the decode head as cases: inference and training steps. */
final class NetworkCases {
  private static final List<Double> WEIGHTS = List.of(0.5, 0.5, 0.5, 0.8, 1.0);
  private static final int EMBED = 256;
  private static final int CLASSES = 2;

  private NetworkCases() {}

  /**
   * The case of {@code s}, or null when it names no network.
   *
   * <ul>
   *   <li>{@code train path=…/fan_tiny_8_p4_hybrid.pt b=1 px=256}: forward, five losses, backward,
   *       AdamW; the file's name, which need not exist, tells the backbone.
   *   <li>{@code infer path=… b=1 px=256}: forward in evaluation mode.
   *   <li>{@code decoder b=1 px=256 dir=fwd|train}: the decode head alone.
   * </ul>
   */
  static Case of(CaseSpec s) {
    int px = s.get("px", 256);
    int batch = s.get("b", 1);
    return switch (s.op()) {
      case "train", "infer" ->
          network(Device.CPU, DType.FLOAT32, backbone(s), s.op().equals("train"), px, batch);
      case "decoder" -> decoder(s.get("dir", "fwd").equals("train"), px, batch);
      default -> null;
    };
  }

  private static String backbone(CaseSpec s) {
    String path = s.get("path", "fan_tiny_8_p4_hybrid");
    String name = path.substring(path.lastIndexOf('/') + 1);
    return name.contains(".") ? name.substring(0, name.indexOf('.')) : name;
  }

  /** A network with one step of its work; {@code module} is closed with it. */
  private record Step(
      Module module,
      Runnable body,
      Supplier<float[]> result,
      double flops,
      Optimizer optimizer,
      MixedStep mixed)
      implements Case {
    @Override
    public void run() {
      body.run();
    }

    @Override
    public float[] output() {
      return result.get();
    }

    @Override
    public boolean settle() {
      return mixed == null || mixed.settle();
    }

    @Override
    public void close() {
      if (optimizer != null) {
        mixed.close();
        optimizer.close();
      }
      module.close();
    }
  }

  /**
   * A whole network.
   *
   * @param activations type of the activations
   */
  static Case network(
      Device device, DType activations, String backbone, boolean train, int px, int batch) {
    double flops = batch * FlopCount.total(config(backbone), px) * (train ? 3 : 1);
    return network(device, activations, backbone, train, px, batch, flops);
  }

  /**
   * The same with the floating-point operations given, which can't be counted in a dry run.
   *
   * @param flops of a step, 0 where nobody asks for its rate
   */
  static Case network(
      Device device,
      DType activations,
      String backbone,
      boolean train,
      int px,
      int batch,
      double flops) {
    ChangeNet net = new ChangeNet(device, config(backbone));
    fill(net);
    net.setActivations(activations);
    Variable a = map(11, batch, 3, px, false, device);
    Variable b = map(12, batch, 3, px, false, device);
    if (!train) {
      net.eval();
      return new Step(net, () -> infer(() -> net.forward(a, b)), () -> null, flops, null, null);
    }
    net.train(true);
    return training(net, activations, () -> net.forward(a, b), px, batch, flops);
  }

  /** Weights that keep activations in range, made faster than initial ones. */
  private static void fill(ChangeNet net) {
    float[] pattern = CaseSpec.data(1 << 20, 5);
    for (Parameter p : net.parameters()) {
      int n = Math.toIntExact(p.shape().elements());
      float[] values = new float[n];
      if (p.shape().rank() > 1) {
        float scale = (float) Math.sqrt(p.shape().dim(0) / (double) n);
        for (int i = 0; i < n; i++) {
          values[i] = scale * pattern[i & (pattern.length - 1)];
        }
      } else if (p.name().endsWith("weight")) {
        Arrays.fill(values, 1f);
      } else {
        Arrays.fill(values, 0.01f);
      }
      Module.write(p.data(), values);
    }
  }

  static ChangeNet.Config config(String backbone) {
    return ChangeNet.Config.of(backbone, EMBED, CLASSES);
  }

  private static Case decoder(boolean train, int px, int batch) {
    int[] channels = {EMBED, EMBED, EMBED, EMBED};
    ChangeDecoder net = new ChangeDecoder(Device.CPU, channels, EMBED, CLASSES, true, false);
    net.initialize(1);
    int[] sizes = {px / 4, px / 8, px / 16, px / 16};
    List<Variable> a = new ArrayList<>();
    List<Variable> b = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      a.add(map(100 + i, batch, EMBED, sizes[i], train, Device.CPU));
      b.add(map(104 + i, batch, EMBED, sizes[i], train, Device.CPU));
    }
    if (!train) {
      net.eval();
      return new Step(net, () -> infer(() -> net.decode(a, b)), () -> null, 0, null, null);
    }
    return training(
        net,
        DType.FLOAT32,
        () -> {
          a.forEach(Variable::zeroGrad);
          b.forEach(Variable::zeroGrad);
          return net.decode(a, b);
        },
        px,
        batch,
        0);
  }

  private static void infer(Runnable forward) {
    try (NoGrad _ = NoGrad.open();
        Scope _ = Scope.open()) {
      forward.run();
    }
  }

  private static Case training(
      Module net,
      DType activations,
      Supplier<List<Variable>> forward,
      int px,
      int batch,
      double flops) {
    float[] values = CaseSpec.data(batch * px * px, 24);
    int[] labels = new int[values.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = values[i] > 0.8f ? 1 : 0;
    }
    SegmentationLoss loss = new SegmentationLoss(SegmentationLoss.Kind.CE, true, WEIGHTS);
    Adam optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01);
    MixedStep mixed = new MixedStep(optimizer, net.device(), activations);
    return new Step(
        net,
        () -> {
          try (Scope _ = Scope.open();
              Tape _ = Tape.open()) {
            mixed.backward(loss.compute(forward.get(), labels).total());
          }
          mixed.unscale();
          mixed.update();
        },
        () -> null,
        flops,
        optimizer,
        mixed);
  }

  /**
   * A map [batch, px, px, channels] with the values that others see as [batch, channels, px, px].
   */
  static Variable map(long seed, int batch, int channels, int px, boolean grad, Device device) {
    Tensor nchw =
        Tensor.of(CaseSpec.data(batch * channels * px * px, seed), batch, channels, px, px);
    Tensor map = Tensor.empty(Shape.of(batch, px, px, channels), DType.FLOAT32, Device.CPU);
    Backends.of(Device.CPU).elementwise().transpose(nchw, batch, channels, px * px, map);
    return new Variable(map.to(device), grad);
  }
}
