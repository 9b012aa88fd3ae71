package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.changenet.autograd.Variable;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPlanTest {
  @TempDir Path folder;

  private static final SegmentationLoss LOSS =
      new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));

  private static Variable image(int batch, int size) {
    return new Variable(Tensor.of(new float[batch * size * size * 3], batch, size, size, 3));
  }

  private static TrainStep.Pairs pairs(ChangeNet net, int batch, int size) {
    int[] labels = new int[batch * size * size];
    return new TrainStep.Pairs(
        image(batch, size),
        image(batch, size),
        SegmentationLoss.targets(labels, batch, size, size, net.device()));
  }

  private ExperimentSpec spec(String... overrides) throws IOException {
    return TrainFixture.spec(
        Task.TRAIN,
        TrainFixture.data(folder.resolve("data"), 2),
        folder.resolve("results"),
        overrides);
  }

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, 32, 32, 1, false, adamw",
    "fan_tiny_8_p4_hybrid, 256, 64, 2, false, adamw",
    "fan_tiny_8_p4_hybrid, 256, 96, 1, true, sgd",
    "fan_small_12_p4_hybrid, 256, 128, 1, false, sgd",
    "c_radio_v2_vit_base_patch16_224, 256, 64, 1, false, adamw",
    "c_radio_v2_vit_base_patch16_224, 256, 96, 2, true, sgd",
  })
  void predictsWhatAStepTakes(
      String backbone, int embedDim, int size, int batch, boolean frozen, String optim)
      throws IOException {
    ExperimentSpec spec =
        spec(
            "train.optim.optim=" + optim,
            "dataset.segment.img_size=" + size,
            "dataset.segment.batch_size=" + batch);
    long storages = MemoryUse.liveStorages();
    MemoryPlan plan =
        MemoryPlan.of(spec, batch, 1, LOSS, () -> network(backbone, embedDim, frozen));
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    HeapStorage.trimPool();
    long before = MemoryUse.liveBytes();
    try (ChangeNet net = network(backbone, embedDim, frozen);
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim())) {
      net.initialize(1);
      net.train(true);
      long weights = MemoryUse.liveBytes() - before;
      MemoryUse.resetPeak();
      for (int i = 0; i < 2; i++) {
        TrainStep.run(net, LOSS, optimizer, () -> pairs(net, batch, size));
      }
      // Validation keeps all packed weights, which may take more than the step.
      net.eval();
      boolean multiScale = spec.segmentData().multiScaleInfer();
      for (int i = 0; i < 2; i++) {
        for (Tensor t :
            Predictor.forward(net, multiScale, () -> pairs(net, batch, size), LOSS, true)) {
          t.close();
        }
      }
      long peak = MemoryUse.peakBytes() - before;
      assertThat(plan.weights()).isEqualTo(weights);
      // Equal to the byte today; new kernels may keep something the plan doesn't know yet.
      assertThat((double) plan.peak()).isCloseTo(peak, within(0.05 * peak));
    }
  }

  private MemoryPlan plan(int batch, boolean frozen, String... overrides) throws IOException {
    ExperimentSpec spec = spec(overrides);
    return MemoryPlan.of(spec, batch, 1, LOSS, () -> network("fan_tiny_8_p4_hybrid", 32, frozen));
  }

  private static ChangeNet network(String backbone, int embedDim, boolean frozen) {
    ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of(backbone, embedDim, 2));
    if (frozen) {
      net.backbone().freezePretrained();
    }
    return net;
  }

  @Test
  void aFrozenBackboneCostsNeitherGradientsNorOptimizerMemory() throws IOException {
    MemoryPlan trained = plan(1, false, "train.optim.optim=adamw");
    MemoryPlan frozen = plan(1, true, "train.optim.optim=adamw");
    assertThat(frozen.weights()).isEqualTo(trained.weights());
    ExperimentSpec spec = spec("train.optim.optim=adamw");
    try (ChangeNet net = network("fan_tiny_8_p4_hybrid", 32, true);
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim())) {
      net.initialize(1);
      net.train(true);
      TrainStep.run(net, LOSS, optimizer, () -> pairs(net, 1, 32));
      long backbone = 0;
      List<Parameter> parameters = optimizer.parameters();
      for (int i = 0; i < parameters.size(); i++) {
        boolean isBackbone = parameters.get(i).name().startsWith("backbone.");
        assertThat(optimizer.state(i) == null).as(parameters.get(i).name()).isEqualTo(isBackbone);
        backbone += isBackbone ? parameters.get(i).shape().elements() : 0;
      }
      // Two moments of four bytes for each parameter.
      assertThat(backbone).isEqualTo(7_273_856);
      assertThat(trained.optimizer() - frozen.optimizer()).isEqualTo(8 * backbone);
      assertThat(trained.gradients() - frozen.gradients()).isEqualTo(4 * backbone);
      // With a frozen backbone the worst moment may be one of validation.
      assertThat(trained.passing()).isGreaterThan(frozen.passing());
    }
  }

  @Test
  void whatDoesNotFitStopsWithTheBatchThatWould() throws IOException {
    MemoryPlan one = plan(1, false, "dataset.segment.img_size=64");
    MemoryPlan three = plan(3, false, "dataset.segment.img_size=64");
    ExperimentSpec spec = spec("dataset.segment.batch_size=9", "dataset.segment.img_size=64");
    MemoryCheck.Planner plans =
        (n, parts) ->
            MemoryPlan.of(spec, n, parts, LOSS, () -> network("fan_tiny_8_p4_hybrid", 32, false));
    CapturingReporter reporter = new CapturingReporter();
    assertThatThrownBy(
            () -> new MemoryCheck(three.peak(), 1L << 40, false).require(spec, plans, reporter))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageMatching(
            "not enough memory: predicted 0\\.\\d\\d GiB for the tensors of a training step \\(weights"
                + " .*\\), available 0\\.\\d\\d GiB; set dataset\\.segment\\.batch_size to 3 \\(now"
                + " 9\\), or set train\\.accumulate to \\d \\(the same batch in parts\\), or lower dataset\\.segment\\.img_size \\(now 64\\), or set"
                + " model\\.backbone\\.freeze_backbone \\(with pretrained_backbone_path\\), or set"
                + " train\\.activation_checkpoint \\(the encoder is computed twice\\), or raise the heap with"
                + " CHANGENET_JAVA_OPTS=-Xmx\\d+m");
    assertThatThrownBy(
            () -> new MemoryCheck(one.peak() - 1, one.peak(), false).require(spec, plans, reporter))
        .hasMessageContaining(
            "; lower dataset.segment.batch_size (now 9) and dataset.segment.img_size (now 64), or")
        .hasMessageContaining("use a machine with more memory (this one has 0.")
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
    assertThat(reporter.lines).isEmpty();
    new MemoryCheck(plans.plan(9, 1).peak(), 1L << 40, false).require(spec, plans, reporter);
    assertThat(reporter.lines).singleElement(STRING).startsWith("Predicted memory: 0.");
  }

  /** The arrays of the pool, those that wait included, as a process has them. */
  @Test
  void predictsTheArraysOfTheHeap() throws IOException {
    ExperimentSpec spec = spec("dataset.segment.img_size=64", "train.ema.enabled=true");
    MemoryPlan plan =
        MemoryPlan.of(spec, 2, 1, LOSS, () -> network("fan_tiny_8_p4_hybrid", 16, false));
    HeapStorage.trimPool();
    long before = MemoryUse.liveBytes();
    try (ChangeNet net = network("fan_tiny_8_p4_hybrid", 16, false);
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim());
        WeightAverage average = new WeightAverage(net, 0.9)) {
      net.initialize(1);
      net.train(true);
      for (int i = 0; i < 2; i++) {
        TrainStep.run(net, LOSS, optimizer, () -> pairs(net, 2, 64));
        average.update();
      }
      long training = MemoryUse.liveBytes() - before + HeapStorage.pooledBytes();
      HeapStorage.trimPool();
      net.eval();
      for (int i = 0; i < 2; i++) {
        for (Tensor t : Predictor.forward(net, false, () -> pairs(net, 2, 64), LOSS, true)) {
          t.close();
        }
      }
      long validation = MemoryUse.liveBytes() - before + HeapStorage.pooledBytes();
      long arrays = Math.max(training, validation);
      assertThat(plan.average()).isPositive();
      assertThat((double) plan.arrays()).isCloseTo(arrays, within(0.08 * arrays));
      assertThat(plan.arrays()).isGreaterThan(plan.peak());
    }
  }

  @Test
  void partsTakeLessAndAutoTakesAsFewAsFit() throws IOException {
    ExperimentSpec spec = spec("dataset.segment.batch_size=8", "train.accumulate=auto");
    MemoryCheck.Planner plans =
        (n, parts) ->
            MemoryPlan.of(spec, n, parts, LOSS, () -> network("fan_tiny_8_p4_hybrid", 32, false));
    long whole = plans.plan(8, 1).peak();
    long four = plans.plan(8, 4).peak();
    long eight = plans.plan(8, 8).peak();
    assertThat(eight).isLessThan(four);
    assertThat(four).isLessThan(whole);
    CapturingReporter reporter = new CapturingReporter();
    assertThat(new MemoryCheck(whole, 1L << 40, false).require(spec, plans, reporter)).isEqualTo(1);
    assertThat(new MemoryCheck(four, 1L << 40, false).require(spec, plans, reporter)).isEqualTo(4);
    assertThat(reporter.lines.stream().filter(l -> l.startsWith("Gradient")))
        .containsExactly(
            "Gradient accumulation: auto, batches of 8 fit as they are",
            "Gradient accumulation: auto, batches of 8 in 4 parts of 2");
    assertThatThrownBy(
            () ->
                new MemoryCheck(eight - 1, 1L << 40, false)
                    .require(spec, plans, new CapturingReporter()))
        .hasMessageContaining("not enough memory: predicted ")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("train.accumulate"));
  }

  @Test
  void evaluationAndInferenceThatDoNotFitStopBeforeTheyLoadData() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path weights = folder.resolve("any.pth");
    Files.writeString(weights, "is not read");
    for (Task task : List.of(Task.EVALUATE, Task.INFERENCE)) {
      ExperimentSpec spec =
          TrainFixture.spec(
              task,
              data,
              folder.resolve("results"),
              task.key() + ".checkpoint=" + weights,
              "dataset.segment.img_size=16384");
      assertThatThrownBy(() -> TaskRunner.run(spec, Reporter.SILENT, new Interruption()))
          .hasMessageMatching(
              "not enough memory: predicted \\d+\\.\\d\\d GiB for the tensors of a forward pass"
                  + " \\(weights 0\\.\\d\\d GiB, packed weights 0\\.\\d\\d GiB, activations .* GiB\\),"
                  + " available .* GiB; (set|lower) dataset\\.segment\\.batch_size .*");
    }
  }

  @Test
  void aTrainingThatDoesNotFitStopsBeforeItBegins() throws IOException {
    ExperimentSpec spec = spec("dataset.segment.img_size=8192");
    long began = System.nanoTime();
    assertThatThrownBy(() -> TaskRunner.run(spec, Reporter.SILENT, new Interruption()))
        .hasMessageContaining("not enough memory: predicted ");
    assertThat(System.nanoTime() - began).isLessThan(20_000_000_000L);
    Path results = folder.resolve("results");
    assertThat(TrainFixture.messages(results).getLast())
        .startsWith("FAILURE Parameter validation error: not enough memory: predicted ");
    assertThat(TrainFixture.names(results)).noneMatch(n -> n.endsWith(".pth"));
  }
}
