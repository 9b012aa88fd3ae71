package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.MemoryUse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class MemoryTest {
  @TempDir Path folder;

  private record Use(long storages, long bytes, long pooled) {
    static Use now() {
      return new Use(MemoryUse.liveStorages(), MemoryUse.liveBytes(), HeapStorage.pooledBytes());
    }
  }

  private ExperimentSpec spec(Path data, int epochs) throws IOException {
    return TrainFixture.spec(
        Task.TRAIN,
        data,
        folder.resolve("results"),
        "train.num_epochs=" + epochs,
        "dataset.segment.batch_size=1");
  }

  /** Trains; returns the memory in use at each report of progress. */
  private static Map<Long, Use> usesOf(ExperimentSpec spec) {
    Map<Long, Use> uses = new HashMap<>();
    TaskRunner.run(
        spec, new CapturingReporter(step -> uses.put(step, Use.now())), new Interruption());
    return uses;
  }

  @Test
  void stepsLeaveNothingBehindAndTheRunReleasesAll() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 50);
    ExperimentSpec spec = spec(data, 1);
    HeapStorage.trimPool();
    long storages = MemoryUse.liveStorages();
    long bytes = MemoryUse.liveBytes();
    Map<Long, Use> uses = usesOf(spec);
    assertThat(uses).containsKeys(3L, 50L);
    assertThat(uses.get(50L)).isEqualTo(uses.get(3L));
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(MemoryUse.liveBytes()).isEqualTo(bytes);
  }

  /** Neither packed weights nor buffers of one phase stay while the other one works. */
  @Test
  void trainingAndValidationTakeNoMoreThanTheLargerOfThem() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 4);
    ExperimentSpec spec = spec(data, 2);
    SegmentationLoss loss =
        new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));
    MemoryPlan plan =
        MemoryPlan.of(spec, 1, 1, loss, () -> new ChangeNet(Device.CPU, RunContext.network(spec)));
    HeapStorage.trimPool();
    long before = MemoryUse.liveBytes();
    Map<Long, Use> uses = usesOf(spec);
    assertThat(uses).containsKeys(4L, 8L);
    for (Use use : uses.values()) {
      assertThat((double) (use.bytes() + use.pooled() - before)).isLessThan(1.02 * plan.arrays());
    }
  }

  @Test
  void aFailedRunReleasesAll() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 4);
    Path results = folder.resolve("results");
    ExperimentSpec spec = TrainFixture.spec(Task.TRAIN, data, results, "train.optim.lr=1e30");
    long storages = MemoryUse.liveStorages();
    assertThatThrownBy(() -> TaskRunner.run(spec, Reporter.SILENT, new Interruption()))
        .hasMessageContaining("the training loss became")
        .hasMessageContaining("lower train.optim.lr (now 1.0E30)");
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
    assertThat(TrainFixture.messages(results).getLast())
        .startsWith("FAILURE Parameter validation error: the training loss became");
    assertThat(TrainFixture.names(results)).noneMatch(n -> n.endsWith(".pth"));
  }

  /** Weights that the last step of an epoch destroyed are no checkpoint to go on from. */
  @Test
  void destroyedWeightsAreNotSaved() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = folder.resolve("results");
    for (String lr : new String[] {"1e30", "1e38"}) {
      ExperimentSpec spec = TrainFixture.spec(Task.TRAIN, data, results, "train.optim.lr=" + lr);
      assertThatThrownBy(() -> TaskRunner.run(spec, Reporter.SILENT, new Interruption()))
          .hasMessageContaining(" became ")
          .hasMessageContaining(" in epoch 0, step 1; lower train.optim.lr (now ")
          .hasMessageContaining("into another results_dir");
      assertThat(TrainFixture.names(results)).noneMatch(n -> n.endsWith(".pth"));
    }
  }
}
