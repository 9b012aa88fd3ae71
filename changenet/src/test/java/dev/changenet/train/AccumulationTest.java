package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(OneThread.class)
class AccumulationTest {
  private static final int SIZE = 32;

  /** A batch whose pairs have very different numbers of changed and ignored pixels. */
  private static Batch batch(int n) {
    Random random = new Random(4);
    float[] a = new float[n * SIZE * SIZE * 3];
    float[] b = new float[a.length];
    int[] labels = new int[n * SIZE * SIZE];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < a.length; i++) {
      a[i] = random.nextFloat() - 0.5f;
      b[i] = random.nextFloat() - 0.5f;
    }
    for (int s = 0; s < n; s++) {
      names.add("pair " + s);
      for (int i = 0; i < SIZE * SIZE; i++) {
        double draw = random.nextDouble();
        labels[s * SIZE * SIZE + i] = draw < 0.3 * s ? 255 : draw < 0.3 * s + 0.05 ? 1 : 0;
      }
    }
    return new Batch(0, names, SIZE, a, b, labels);
  }

  private record Outcome(TrainStep.Losses losses, List<float[]> weights) {}

  /** One step, batch norm with its running statistics, so that pairs don't see each other. */
  private static Outcome step(SegmentationLoss loss, int parts, double clip) {
    try (ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2));
        Sgd sgd = new Sgd(net.parameters(), 1, 0, 0);
        GradientClip limit = clip > 0 ? new GradientClip(clip, Device.CPU) : null) {
      net.initialize(5);
      net.eval();
      TrainStep.Losses losses =
          TrainStep.run(
              net,
              loss,
              sgd,
              Accumulation.parts(batch(3), net, loss, parts, 1, 0),
              new TrainStep.Between(null, limit, null),
              CudaGraphs.none(),
              "");
      return new Outcome(
          losses, net.parameters().stream().map(p -> p.data().toFloatArray()).toList());
    }
  }

  private static List<float[]> initial() {
    try (ChangeNet net =
        new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2))) {
      net.initialize(5);
      return net.parameters().stream().map(p -> p.data().toFloatArray()).toList();
    }
  }

  /** Root of the summed squares of b − a. */
  private static double distance(List<float[]> a, List<float[]> b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      for (int k = 0; k < a.get(i).length; k++) {
        double d = (double) b.get(i)[k] - a.get(i)[k];
        sum += d * d;
      }
    }
    return Math.sqrt(sum);
  }

  @ParameterizedTest
  @CsvSource({"CE, false, 3", "CE, true, 2", "FOCAL_DICE, true, 3"})
  void partsGiveTheGradientOfTheBatch(SegmentationLoss.Kind kind, boolean weighted, int parts) {
    SegmentationLoss loss =
        new SegmentationLoss(
            kind,
            true,
            List.of(0.5, 0.5, 0.5, 0.8, 1.0),
            weighted ? List.of(0.25, 4.0) : List.of(),
            2);
    long storages = MemoryUse.liveStorages();
    Outcome whole = step(loss, 1, 0);
    Outcome cut = step(loss, parts, 0);
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(cut.losses.total()).isCloseTo(whole.losses.total(), within(1e-5));
    for (int i = 0; i < 5; i++) {
      assertThat(cut.losses.components().get(i))
          .isCloseTo(whole.losses.components().get(i), within(1e-5));
    }
    double step = distance(initial(), whole.weights);
    assertThat(step).isGreaterThan(0.01);
    assertThat(distance(whole.weights, cut.weights)).isLessThan(1e-4 * step);
  }

  @Test
  void clippingShortensTheStepToTheNorm() {
    SegmentationLoss loss =
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));
    List<float[]> initial = initial();
    double free = distance(initial, step(loss, 1, 0).weights);
    // With a rate of 1 the step is the gradient.
    assertThat(distance(initial, step(loss, 1, free / 4).weights))
        .isCloseTo(free / 4, within(1e-4 * free));
    assertThat(distance(initial, step(loss, 1, free * 4).weights))
        .isCloseTo(free, within(1e-6 * free));
  }

  @Test
  void batchesAreCutAsEvenlyAsTheyCan() {
    Batch seven = batch(7);
    assertThat(Accumulation.parts(seven, 3).stream().map(Batch::size)).containsExactly(3, 2, 2);
    assertThat(Accumulation.parts(seven, 9)).hasSize(7);
    assertThat(Accumulation.parts(seven, 1)).containsExactly(seven);
    Batch second = Accumulation.parts(seven, 3).get(1);
    assertThat(second.names()).containsExactly("pair 3", "pair 4");
    assertThat(second.labels()[5]).isEqualTo(seven.labels()[3 * SIZE * SIZE + 5]);
    assertThat(second.b()[7]).isEqualTo(seven.b()[3 * SIZE * SIZE * 3 + 7]);
  }

  @Test
  void everyPartDrawsOtherNumbers() {
    SegmentationLoss loss = new SegmentationLoss(SegmentationLoss.Kind.CE, false, List.of());
    try (ChangeNet net =
        new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2))) {
      List<Long> seeds = new ArrayList<>();
      for (var part : Accumulation.parts(batch(2), net, loss, 2, 11, 6)) {
        try (var _ = Scope.open()) {
          var _ = part.get();
        }
        seeds.add(net.random().seed());
        assertThat(net.random().step()).isEqualTo(6);
      }
      assertThat(seeds.getFirst()).isEqualTo(11);
      assertThat(seeds.getLast()).isNotEqualTo(11);
      assertThat(net.parameters().stream().map(Parameter::grad)).containsOnlyNulls();
    }
  }
}
