package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import dev.changenet.data.Batch;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Adam;
import dev.changenet.nn.optim.LossScale;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.cuda.CudaGraphs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training steps with a loss scale, on the CPU in float32, and its place in checkpoints. */
@ExtendWith(OneThread.class)
class LossScaleStepTest {
  private static final int SIZE = 32;
  private static final double INFINITE = Double.POSITIVE_INFINITY;
  private static final SegmentationLoss LOSS =
      new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));

  @TempDir Path folder;

  private static ChangeNet network() {
    ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2));
    net.initialize(5);
    net.eval();
    return net;
  }

  private static Batch batch() {
    Random random = new Random(4);
    float[] a = new float[2 * SIZE * SIZE * 3];
    float[] b = new float[a.length];
    int[] labels = new int[2 * SIZE * SIZE];
    for (int i = 0; i < a.length; i++) {
      a[i] = random.nextFloat() - 0.5f;
      b[i] = random.nextFloat() - 0.5f;
    }
    for (int i = 0; i < labels.length; i++) {
      labels[i] = random.nextInt(5) == 0 ? 1 : 0;
    }
    return new Batch(0, List.of("a", "b"), SIZE, a, b, labels);
  }

  private static TrainStep.Losses step(
      ChangeNet net, Optimizer optimizer, int parts, TrainStep.Between between) {
    return TrainStep.run(
        net,
        LOSS,
        optimizer,
        Accumulation.parts(batch(), net, LOSS, parts, 1, 0),
        between,
        CudaGraphs.none(),
        "");
  }

  private static List<float[]> weights(ChangeNet net) {
    return net.parameters().stream().map(p -> p.data().toFloatArray()).toList();
  }

  private static double distance(List<float[]> a, List<float[]> b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      for (int k = 0; k < a.get(i).length; k++) {
        sum += Math.pow((double) b.get(i)[k] - a.get(i)[k], 2);
      }
    }
    return Math.sqrt(sum);
  }

  @ParameterizedTest
  @CsvSource({"1, 0, false", "2, 0, false", "1, 0.5, false", "2, 0.5, true", "1, 0, true"})
  void theScaleChangesNeitherLossesNorUpdateNorNorms(int parts, double clip, boolean look) {
    long storages = MemoryUse.liveStorages();
    List<TrainStep.Losses> losses = new ArrayList<>();
    List<List<float[]>> trained = new ArrayList<>();
    List<Double> norms = new ArrayList<>();
    List<float[]> initial;
    try (ChangeNet net = network()) {
      initial = weights(net);
    }
    for (LossScale scale : new LossScale[] {null, new LossScale()}) {
      double limit = clip > 0 ? clip : INFINITE;
      try (ChangeNet net = network();
          Optimizer sgd = new Sgd(net.parameters(), 1, 0, 0);
          GradientClip limits = new GradientClip(limit, Device.CPU)) {
        Runnable looks = () -> norms.add(ModuleNorms.ofGradients(net).get(ModuleNorms.TOTAL));
        losses.add(
            step(net, sgd, parts, new TrainStep.Between(look ? looks : null, limits, scale)));
        trained.add(weights(net));
        norms.add(limits.norm().item());
      }
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(losses.getFirst()).isEqualTo(losses.getLast());
    assertThat(losses.getFirst().updated()).isTrue();
    double length = distance(initial, trained.getFirst());
    assertThat(length).isGreaterThan(0.01);
    assertThat(distance(trained.getFirst(), trained.getLast())).isLessThan(1e-5 * length);
    for (double norm : norms) {
      assertThat(norm).isCloseTo(norms.getFirst(), within(1e-5 * norms.getFirst()));
    }
    // With a rate of 1 the step is the gradient.
    assertThat(length)
        .isCloseTo(clip > 0 ? clip : norms.getFirst(), within(1e-4 * norms.getFirst()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStepWithAnInfiniteGradientIsLeftOut(boolean look) {
    boolean[] planted = {true};
    int[] looks = {0};
    LossScale scale = new LossScale();
    try (ChangeNet net = network();
        ChangeNet other = network();
        Optimizer adam = Adam.adamW(net.parameters(), 1e-3, 0.9, 0.999, 0.1);
        Optimizer undisturbed = Adam.adamW(other.parameters(), 1e-3, 0.9, 0.999, 0.1);
        GradientClip limits = new GradientClip(INFINITE, Device.CPU)) {
      TrainStep.Between between =
          new TrainStep.Between(look ? () -> looks[0]++ : null, limits, scale);
      Parameter hit = net.parameters().get(7);
      hit.registerHook(
          gradient -> {
            if (planted[0]) {
              gradient.set((int) gradient.elements() - 1, Float.NEGATIVE_INFINITY);
            }
          });
      List<float[]> before = weights(net);
      TrainStep.Losses first = step(net, adam, 2, between);
      assertThat(first.updated()).isFalse();
      assertThat(first.total()).isFinite();
      assertThat(scale.scale()).isEqualTo(32768);
      assertThat(distance(before, weights(net))).isZero();
      assertThat(net.parameters().stream().map(Parameter::grad)).containsOnlyNulls();
      for (int i = 0; i < net.parameters().size(); i++) {
        assertThat(adam.steps(i)).isZero();
      }
      planted[0] = false;
      TrainStep.Losses second = step(net, adam, 2, between);
      assertThat(second.total()).isEqualTo(first.total());
      assertThat(second.updated()).isTrue();
      assertThat(scale.scale()).isEqualTo(32768);
      assertThat(scale.state()).containsEntry("_growth_tracker", 1L);
      assertThat(looks[0]).isEqualTo(look ? 2 : 0);
      step(other, undisturbed, 2, TrainStep.Between.NOTHING);
      double length = distance(before, weights(other));
      assertThat(distance(weights(net), weights(other))).isLessThan(1e-3 * length);
    }
  }

  /** A spec as on a machine with a GPU. */
  private ExperimentSpec spec(String precision, String... more) throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    TrainFixture.spec(Task.TRAIN, data, folder.resolve("results"));
    List<String> all = new ArrayList<>(List.of(more));
    all.add("dataset.segment.root_dir=" + data);
    all.add("train.results_dir=" + folder.resolve("results"));
    all.add("train.precision=" + precision);
    return new SpecLoader(Task.TRAIN).usableGpus(1).load(data.resolve("spec.yaml"), all);
  }

  private static RunContext context(ExperimentSpec spec, Reporter reporter) {
    return new RunContext(spec, reporter, null, new Interruption());
  }

  @Test
  void theStateIsPartOfTheCheckpoint() throws IOException {
    Path mixed = folder.resolve("mixed.pth");
    Path plain = folder.resolve("plain.pth");
    Checkpoint.Progress position = new Checkpoint.Progress(0, 3, 0, 0, 0.01, 0);
    try (ChangeNet net = network();
        Optimizer sgd = new Sgd(net.parameters(), 0.01, 0.9, 0)) {
      RunContext half = context(spec("16-mixed"), Reporter.SILENT);
      assertThat(half.activations()).isEqualTo(DType.FLOAT16);
      try (TrainingAids aids = new TrainingAids(half, net, sgd, Map.of())) {
        TrainStep.Between between = aids.between(null);
        between.scale().update(false);
        between.scale().update(true);
        Checkpoint.write(mixed, net, sgd, position, aids.state());
      }
      WeightsFile written = WeightsFile.read(mixed);
      Map<String, Object> expected = new LinkedHashMap<>();
      expected.put("scale", 32768.0);
      expected.put("growth_factor", 2.0);
      expected.put("backoff_factor", 0.5);
      expected.put("growth_interval", 2000L);
      expected.put("_growth_tracker", 1L);
      assertThat(written.map("MixedPrecision")).isEqualTo(expected);
      CapturingReporter reporter = new CapturingReporter();
      try (TrainingAids aids =
          new TrainingAids(context(spec("16"), reporter), net, sgd, Map.of())) {
        aids.restore(written, mixed);
        assertThat(aids.between(null).scale().state()).isEqualTo(expected);
        assertThat(reporter.lines).isEmpty();
      }
      for (String precision : List.of("32-true", "bf16-mixed")) {
        RunContext other = context(spec(precision), Reporter.SILENT);
        try (TrainingAids aids = new TrainingAids(other, net, sgd, Map.of())) {
          aids.restore(written, mixed);
          assertThat(aids.between(null)).isEqualTo(TrainStep.Between.NOTHING);
          Checkpoint.write(plain, net, sgd, position, aids.state());
          assertThat(WeightsFile.read(plain).has("MixedPrecision")).isFalse();
        }
      }
      try (TrainingAids aids =
          new TrainingAids(context(spec("16-mixed"), reporter), net, sgd, Map.of())) {
        aids.restore(WeightsFile.read(plain), plain);
        assertThat(aids.between(null).scale().scale()).isEqualTo(65536);
        assertThat(reporter.lines)
            .containsExactly("The checkpoint has no loss scale: it starts at 65536");
      }
    }
  }

  @Test
  void aDamagedStateIsNamed() throws IOException {
    Path file = folder.resolve("damaged.pth");
    Checkpoint.Progress position = new Checkpoint.Progress(0, 3, 0, 0, 0.01, 0);
    try (ChangeNet net = network();
        Optimizer sgd = new Sgd(net.parameters(), 0.01, 0.9, 0);
        TrainingAids aids =
            new TrainingAids(context(spec("16-mixed"), Reporter.SILENT), net, sgd, Map.of())) {
      Map<String, Object> state = new LinkedHashMap<>(new LossScale().state());
      state.put("scale", -1.0);
      Checkpoint.write(file, net, sgd, position, Map.of("MixedPrecision", state));
      WeightsFile written = WeightsFile.read(file);
      assertThatThrownBy(() -> aids.restore(written, file))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("damaged.pth")
          .hasMessageContaining("'MixedPrecision' is unusable: 'scale' must be a number from")
          .hasMessageContaining("found -1.0");
    }
  }

  @Test
  void aStepLeftOutIsToldAndNotAveraged() throws IOException {
    CapturingReporter reporter = new CapturingReporter();
    RunContext context = context(spec("16-mixed", "train.ema.enabled=true"), reporter);
    try (ChangeNet net = network();
        Optimizer sgd = new Sgd(net.parameters(), 0.01, 0.9, 0);
        TrainingAids aids = new TrainingAids(context, net, sgd, Map.of())) {
      aids.between(null).scale().update(false);
      aids.stepTaken(1, false);
      aids.stepTaken(2, true);
      assertThat(reporter.lines)
          .containsExactly(
              "Step 1: gradients beyond float16, no update; the loss scale is now 32768");
      Map<?, ?> own = (Map<?, ?>) aids.state().get(Checkpoint.OWN);
      assertThat(((Map<?, ?>) own.get("ema")).get("updates")).isEqualTo(1L);
    }
  }

  @Test
  void activationsTakeHalfTheMemory() throws IOException {
    List<Long> passing = new ArrayList<>();
    List<Long> kept = new ArrayList<>();
    for (String precision : List.of("32-true", "bf16-mixed", "16-mixed")) {
      // Large enough that gradients, which stay float32, are little beside the activations.
      ExperimentSpec spec = spec(precision, "dataset.segment.img_size=128");
      MemoryPlan plan =
          MemoryPlan.of(
              spec,
              4,
              1,
              LOSS,
              () -> {
                ChangeNet net = network64();
                net.setActivations(RunContext.activations(spec.train()));
                return net;
              });
      passing.add(plan.passing());
      kept.add(plan.kept());
    }
    assertThat(passing.get(2).doubleValue() / passing.get(0)).isBetween(0.4, 0.6);
    // float16 logits are taken to float32 for the loss.
    assertThat(passing.get(2).doubleValue() / passing.get(1)).isBetween(1.0, 1.02);
    assertThat(kept.get(2) - kept.get(1)).isBetween(0L, 64L);
  }

  private static ChangeNet network64() {
    return new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 64, 2));
  }
}
