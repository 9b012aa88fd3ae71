package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.tensor.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OneThread.class)
class CheckpointSpaceTest {
  private static final long MIB = 1 << 20;

  @TempDir Path folder;
  private Path data;
  private Path results;

  @BeforeEach
  void makeData() {
    data = TrainFixture.data(folder.resolve("data"), 2);
    results = folder.resolve("results");
  }

  private ExperimentSpec spec(String... overrides) throws IOException {
    return TrainFixture.spec(Task.TRAIN, data, results, overrides);
  }

  private long count(int epoch, String... overrides) throws IOException {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("train.num_epochs=10");
    return CheckpointSpace.count(spec(all.toArray(String[]::new)).train(), epoch, 7);
  }

  @Test
  void asManyAsWillLieSideBySide() throws IOException {
    assertThat(count(0)).isEqualTo(10);
    assertThat(count(4)).isEqualTo(6);
    assertThat(count(0, "train.checkpoint_interval=4")).isEqualTo(3);
    assertThat(count(9, "train.checkpoint_interval=4")).isEqualTo(1);
    assertThat(count(0, "train.checkpoint_interval=5")).isEqualTo(2);
    assertThat(count(0, "train.checkpoint_interval=5", "train.checkpoint_interval_unit=step"))
        .isEqualTo(14);
    assertThat(count(0, "train.best.enabled=true", "train.best.keep_last=3")).isEqualTo(5);
    assertThat(count(0, "train.best.enabled=true")).isEqualTo(11);
    assertThat(count(8, "train.best.enabled=true", "train.best.keep_last=3")).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"train.optim.optim=sgd", "train.optim.optim=adamw", "train.ema.enabled=true"})
  void aCheckpointIsAsLargeAsPredicted(String override) throws IOException {
    TrainFixture.train(data, results, "train.num_epochs=1", override);
    ExperimentSpec spec = spec(override);
    try (ChangeNet net = new ChangeNet(Device.CPU, RunContext.network(spec));
        Optimizer optimizer = TrainStep.optimizer(net, spec.train().optim())) {
      long predicted = CheckpointSpace.of(spec.train(), net, optimizer, 0, 1).each();
      long size = Files.size(results.resolve(Checkpoint.epochName(0)));
      assertThat(predicted).isCloseTo(size, Percentage.withPercentage(4));
    }
  }

  @Test
  void theWarning() {
    CheckpointSpace space = new CheckpointSpace(300 * MIB, 9);
    assertThat(space.warning(folder, 3000 * MIB)).isEmpty();
    assertThat(space.warning(folder, 3000 * MIB - 1))
        .hasValue(
            "results_dir: "
                + folder
                + " has 2.9 GiB free, and the training needs about 2.9 GiB for checkpoints (9 of"
                + " 300 MiB, and one while it is written); make room, raise"
                + " train.checkpoint_interval, or keep fewer with train.best.enabled=true"
                + " train.best.keep_last=1");
  }

  @Test
  void enoughRoomIsNotMentioned() throws IOException {
    CapturingReporter reporter = new CapturingReporter(step -> {});
    TaskRunner.run(spec("train.num_epochs=1"), reporter, new Interruption());
    assertThat(reporter.warnings).noneMatch(w -> w.contains("free"));
  }
}
