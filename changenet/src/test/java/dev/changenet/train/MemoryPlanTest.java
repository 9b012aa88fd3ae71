package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Variable;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, 32, 32, 1, false, adamw",
    "fan_tiny_8_p4_hybrid, 256, 64, 2, false, adamw",
    "fan_tiny_8_p4_hybrid, 256, 96, 1, true, sgd",
    "fan_small_12_p4_hybrid, 256, 128, 1, false, sgd",
  })
  void predictsWhatAStepTakes(
      String backbone, int embedDim, int size, int batch, boolean frozen, String optim)
      throws IOException {
    ExperimentSpec spec =
        TrainFixture.spec(
            Task.TRAIN,
            TrainFixture.data(folder.resolve("data"), 2),
            folder.resolve("results"),
            "train.optim.optim=" + optim,
            "dataset.segment.img_size=" + size,
            "dataset.segment.batch_size=" + batch);
    ChangeNet.Config config = ChangeNet.Config.of(backbone, embedDim, 2);
    long storages = MemoryUse.liveStorages();
    MemoryPlan plan =
        MemoryPlan.of(
            spec,
            batch,
            LOSS,
            () -> {
              ChangeNet net = new ChangeNet(Device.CPU, config);
              if (frozen) {
                net.backbone().freeze();
              }
              return net;
            });
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    HeapStorage.trimPool();
    long before = MemoryUse.liveBytes();
    try (ChangeNet net = new ChangeNet(Device.CPU, config);
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim())) {
      net.initialize(1);
      if (frozen) {
        net.backbone().freeze();
      }
      net.train(true);
      long weights = MemoryUse.liveBytes() - before;
      MemoryUse.resetPeak();
      for (int i = 0; i < 2; i++) {
        TrainStep.run(
            net,
            LOSS,
            optimizer,
            () -> new TrainStep.Images(image(batch, size), image(batch, size)),
            new int[batch * size * size]);
      }
      long peak = MemoryUse.peakBytes() - before;
      long between = MemoryUse.liveBytes() - before;
      System.err.printf(
          "%s %d %d frozen %s: predicted %d = %d+%d+%d, real %d; between %d, pool %d%n",
          backbone,
          size,
          batch,
          frozen,
          plan.peak(),
          plan.weights(),
          plan.kept(),
          plan.passing(),
          peak,
          between,
          HeapStorage.pooledBytes());
      assertThat(plan.weights()).isEqualTo(weights);
      assertThat((double) plan.peak()).isCloseTo(peak, within(0.02 * peak));
    }
  }
}
