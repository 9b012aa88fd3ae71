package dev.changenet.inspect;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The time of a step on random images, by module and operation: that of the fastest of a few steps,
 * the one that other programs disturbed least. The weights are initial ones, since time doesn't
 * depend on them.
 *
 * @param batch pairs in a step
 * @param size side of the images
 * @param train forward, loss, backward and AdamW's update; otherwise the forward pass of inference
 * @param steps steps of which it was the fastest
 * @param stepNanos time of the whole step
 * @param updateNanos time of the optimizer in it
 * @param modules time and arithmetic by module
 * @param ops time and arithmetic by operation, longest first
 */
public record StepProfile(
    int batch,
    int size,
    boolean train,
    int steps,
    double stepNanos,
    double updateNanos,
    ModuleTree modules,
    List<OpTime> ops) {
  /** Steps and time before the clock starts: the compiler needs them. */
  private static final int WARM_UP = 3;

  private static final long WARM_UP_NANOS = 3_000_000_000L;

  private static final int SEED = 1;

  /**
   * Time of one kind of operation in a step.
   *
   * @param op its name
   * @param calls times that it runs forward
   * @param cost time and arithmetic
   */
  public record OpTime(String op, int calls, Cost cost) {}

  /** Times {@code steps} steps of {@code network}. */
  public static StepProfile run(Network network, int batch, boolean train, int steps) {
    try (ChangeNet net = network.build();
        Optimizer optimizer = Adam.adamW(net.parameters(), 1e-4, 0.9, 0.999, 0.01)) {
      net.initialize(SEED);
      net.train(train);
      int[] labels = labels(batch, network.size(), network.config().classes());
      float[] pixels = new float[batch * network.size() * network.size() * 3];
      RandomStream random = RandomStream.of(SEED, "inspect/pixels");
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (float) random.nextGaussian();
      }
      Step step = new Step(net, optimizer, network.size(), batch, pixels, labels);
      long warm = System.nanoTime();
      for (int i = 0; i < WARM_UP || System.nanoTime() - warm < WARM_UP_NANOS; i++) {
        step.run(train);
      }
      Sample fastest = Sample.take(step, train);
      for (int i = 1; i < steps; i++) {
        Sample next = Sample.take(step, train);
        fastest = next.nanos < fastest.nanos ? next : fastest;
      }
      return of(network, batch, train, steps, fastest);
    }
  }

  /** A timed step. */
  private record Sample(long nanos, long update, List<Profile.Entry> entries) {
    static Sample take(Step step, boolean train) {
      try (Profile profile = Profile.open()) {
        long began = System.nanoTime();
        long update = step.run(train);
        return new Sample(System.nanoTime() - began, update, profile.entries());
      }
    }
  }

  private static StepProfile of(
      Network network, int batch, boolean train, int steps, Sample sample) {
    ModuleTree tree = new ModuleTree("changenet");
    network.tensors().forEach(tree::add);
    Map<String, Cost> ops = new LinkedHashMap<>();
    Map<String, Integer> calls = new LinkedHashMap<>();
    for (Profile.Entry e : sample.entries) {
      Cost cost = Cost.of(e.flops(), e.backward(), e.nanos());
      String op = e.op().name().toLowerCase(Locale.ROOT);
      tree.add(place(e), cost);
      ops.merge(op, cost, Cost::plus);
      calls.merge(op, e.backward() ? 0 : 1, Integer::sum);
    }
    List<OpTime> times = new ArrayList<>();
    ops.forEach((op, cost) -> times.add(new OpTime(op, calls.get(op), cost)));
    times.sort((x, y) -> Double.compare(y.cost().nanos(), x.cost().nanos()));
    return new StepProfile(
        batch, network.size(), train, steps, sample.nanos, sample.update, tree, times);
  }

  /** The module; what runs outside the network is the loss, or the images' way into it. */
  static String place(Profile.Entry e) {
    return switch (e.op()) {
      case CROSS_ENTROPY, FOCAL, DICE, MM_IOU, WEIGHTED_SUM ->
          e.path().isEmpty() ? "loss" : e.path();
      default -> e.path();
    };
  }

  private static int[] labels(int batch, int size, int classes) {
    RandomStream random = RandomStream.of(SEED, "inspect/labels");
    int[] labels = new int[batch * size * size];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = random.nextInt(classes);
    }
    return labels;
  }

  /** One step, again and again on the same images. */
  private record Step(
      ChangeNet net, Optimizer optimizer, int size, int batch, float[] pixels, int[] labels) {
    /** Returns the time of the update. */
    long run(boolean train) {
      if (!train) {
        try (Scope _ = Scope.open();
            NoGrad _ = NoGrad.open()) {
          net.forward(image(), image());
        }
        return 0;
      }
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Network.LOSS.compute(net.forward(image(), image()), labels).total().backward();
      }
      long began = System.nanoTime();
      optimizer.step();
      optimizer.zeroGrad();
      return System.nanoTime() - began;
    }

    private Variable image() {
      return new Variable(Tensor.of(Arrays.copyOf(pixels, pixels.length), batch, size, size, 3));
    }
  }

  /** The profile for JSON. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("batch", batch);
    json.put("size", size);
    json.put("task", train ? "train" : "inference");
    json.put("steps", steps);
    json.put("step_ms", stepNanos / 1e6);
    json.put("update_ms", updateNanos / 1e6);
    List<Object> list = new ArrayList<>();
    for (OpTime o : ops) {
      Map<String, Object> op = new LinkedHashMap<>();
      op.put("op", o.op());
      op.put("calls", o.calls());
      op.put("forward_ms", o.cost().forwardNanos() / 1e6);
      op.put("backward_ms", o.cost().backwardNanos() / 1e6);
      op.put("flops", o.cost().flops());
      list.add(op);
    }
    json.put("ops", list);
    json.put("modules", modules.toJson());
    return json;
  }
}
