package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.FanVariant;
import dev.changenet.backbone.VitVariant;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A training step takes both images of a pair through the backbone at once, unless a hook looks at
 * it: the same step by step, drawn numbers and running statistics included.
 */
class JoinedPassTest {
  private static final int BATCH = 2;
  private static final int SIZE = 64;

  /**
   * Of a tensor's largest value, or of a hundredth of the largest gradient where that is more,
   * since the gradients of biases before a batch norm are rounding errors: sums over the two images
   * are added up in another order.
   */
  private static final double LIMIT = 3e-5;

  private static ChangeNet network(String kind, boolean checkpoint) {
    boolean fan = kind.equals("fan");
    ChangeNet.Config config =
        new ChangeNet.Config(
            "small",
            0.5,
            16,
            2,
            List.of(4, 8, 16, fan ? 16 : 32),
            List.of(0, 1, 2, 3),
            false,
            SIZE,
            true,
            checkpoint);
    ChangeNet net =
        fan
            ? new ChangeNet(
                Device.CPU,
                config,
                new FanVariant(new int[] {1, 1}, new int[] {16, 32}, 48, 3, 4, 1, 1))
            : new ChangeNet(Device.CPU, config, vit(kind.equals("dino")));
    net.initialize(3);
    GoldenCase.fill(net, "");
    return net;
  }

  private static VitVariant vit(boolean dino) {
    VitVariant.Core core = dino ? VitVariant.Core.NV_DINO_V2 : VitVariant.Core.C_RADIO_V2;
    return new VitVariant(core, 48, 4, 4, dino ? 40 : 192, dino ? 0.5 : 0, 8, 6, 8, !dino);
  }

  private static Variable image(String seed) {
    float[] nchw = GoldenFormula.image(seed, "x1", BATCH, SIZE, SIZE);
    return new Variable(
        Tensor.of(GoldenCase.toNhwc(nchw, BATCH, 3, SIZE * SIZE), BATCH, SIZE, SIZE, 3));
  }

  /** Outputs, gradients and buffers after two steps without an update. */
  private static Map<String, float[]> results(ChangeNet net, AtomicInteger passes) {
    Map<String, float[]> all = new LinkedHashMap<>();
    net.train(true);
    if (passes != null) {
      net.backbone().registerForwardHook((m, out) -> passes.incrementAndGet());
    }
    for (int step = 5; step < 7; step++) {
      net.random().set(7, step);
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        List<Variable> outputs = net.forward(image("a"), image("b"));
        for (int i = 0; i < outputs.size(); i++) {
          all.put("output " + i + " of step " + step, outputs.get(i).data().toFloatArray());
        }
        int[] labels = GoldenFormula.label("l", BATCH, SIZE, SIZE, 2, 0);
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0))
            .compute(outputs, labels)
            .total()
            .backward();
      }
    }
    for (Parameter p : net.parameters()) {
      if (p.grad() != null) {
        all.put("gradient of " + p.name(), p.grad().toFloatArray());
      }
      p.zeroGrad();
    }
    net.stateDict().forEach((name, tensor) -> all.put(name, values(tensor)));
    return all;
  }

  private static float[] values(Tensor t) {
    float[] values = new float[(int) t.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) t.at(i);
    }
    return values;
  }

  @ParameterizedTest
  @CsvSource({"fan,false", "fan,true", "dino,false", "dino,true", "radio,false", "radio,true"})
  void bothImagesAtOnceAreAStepAsOneAfterTheOther(String kind, boolean checkpoint) {
    AtomicInteger passes = new AtomicInteger();
    Map<String, float[]> apart;
    Map<String, float[]> joined;
    try (ChangeNet net = network(kind, checkpoint)) {
      apart = results(net, passes);
    }
    // Two steps, two images, four maps.
    assertThat(passes.get()).isEqualTo(16);
    try (ChangeNet net = network(kind, checkpoint)) {
      joined = results(net, null);
    }
    assertThat(joined.keySet()).containsExactlyElementsOf(apart.keySet());
    assertThat(joined.keySet()).anyMatch(name -> name.endsWith("num_batches_tracked"));
    double gradients =
        apart.entrySet().stream()
            .filter(e -> e.getKey().startsWith("gradient"))
            .mapToDouble(e -> error(new float[e.getValue().length], e.getValue()))
            .max()
            .orElseThrow();
    apart.forEach(
        (name, expected) -> {
          double least = name.startsWith("gradient") ? 0.01 * gradients : 0;
          double scale = Math.max(least, error(new float[expected.length], expected));
          assertThat(error(joined.get(name), expected) / scale).as(name).isLessThan(LIMIT);
        });
  }

  /** Batch norms count a pass once and drawn numbers stay, though blocks run twice. */
  @ParameterizedTest
  @ValueSource(strings = {"fan", "dino", "radio"})
  void recomputedBlocksTakeLessMemoryAndChangeNothing(String kind) {
    long[] peaks = new long[2];
    long storages = MemoryUse.liveStorages();
    List<Map<String, float[]>> all = new ArrayList<>();
    for (boolean checkpoint : new boolean[] {false, true}) {
      try (ChangeNet net = network(kind, checkpoint)) {
        MemoryUse.resetPeak();
        long before = MemoryUse.liveBytes();
        all.add(results(net, null));
        peaks[all.size() - 1] = MemoryUse.peakBytes() - before;
      }
    }
    assertThat(all.get(1).keySet()).containsExactlyElementsOf(all.get(0).keySet());
    all.get(0).forEach((name, v) -> assertThat(all.get(1).get(name)).as(name).isEqualTo(v));
    assertThat(peaks[1]).isLessThan(peaks[0]);
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
  }

  private static double error(float[] ours, float[] expected) {
    assertThat(ours).hasSameSizeAs(expected);
    double error = 0;
    for (int i = 0; i < ours.length; i++) {
      error = Math.max(error, Math.abs((double) ours[i] - expected[i]));
    }
    return error;
  }
}
