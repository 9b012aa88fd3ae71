package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Whole trainings with the best model, early stop, averages, clipping and parts of batches. */
@ExtendWith(OneThread.class)
class TrainingAidsTest {
  private static final String[] ALL = {
    "train.num_epochs=3",
    "train.optim.optim=adamw",
    "train.optim.monitor_name=val_loss",
    "train.best.enabled=true",
    "train.ema.enabled=true",
    "train.ema.decay=0.8",
    "train.clip_grad_norm=0.5",
    "train.accumulate=2",
    "train.segment.loss=ce_dice",
    "train.segment.class_weights=[0.5,2.0]",
    "dataset.segment.multi_scale_train=false",
  };

  @TempDir Path folder;

  /** Stands for a process that is killed at a line of output. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1;
  }

  private record KillAt(String text) implements Reporter {
    @Override
    public void info(String line) {
      if (line.contains(text)) {
        throw new Killed();
      }
    }

    @Override
    public void warn(String line) {}

    @Override
    public void progress(String label, long done, long total, double seconds, String details) {}

    @Override
    public void progressDone(String line) {}
  }

  private static String[] with(String... more) {
    List<String> all = new ArrayList<>(List.of(ALL));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  private static Map<String, List<Integer>> all(WeightsFile file) {
    Map<String, List<Integer>> bits = TrainFixture.bits(file);
    TrainFixture.bits(file.tensors(Checkpoint.OWN, "ema", "state_dict"))
        .forEach((k, b) -> bits.put("ema/" + k, b));
    return bits;
  }

  @Test
  void aTrainingKilledAroundItsSavesEndsTheSame() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 4);
    Path whole = TrainFixture.train(data, folder.resolve("whole"), ALL);
    Path parts = folder.resolve("parts");
    // Between the best model and the checkpoint; between the checkpoint and the clearing away.
    String[] lines = {BestModel.FILE, "model_epoch_001.pth"};
    for (String line : lines) {
      assertThatThrownBy(
              () ->
                  TaskRunner.run(
                      TrainFixture.spec(Task.TRAIN, data, parts, ALL),
                      new KillAt(line),
                      new Interruption()))
          .isInstanceOf(Killed.class);
    }
    TrainFixture.train(data, parts, ALL);
    WeightsFile expected = TrainFixture.latest(whole);
    WeightsFile actual = TrainFixture.latest(parts);
    assertThat(all(actual)).isEqualTo(all(expected));
    assertThat(actual.map(Checkpoint.OWN, "best")).isEqualTo(expected.map(Checkpoint.OWN, "best"));
    assertThat(actual.integer(Checkpoint.OWN, "ema", "updates")).isEqualTo(6);
    assertThat(parts.resolve(BestModel.FILE)).hasSameBinaryContentAs(whole.resolve(BestModel.FILE));
    for (String line : List.of("Eval metrics generated.", "Train metrics generated.")) {
      assertThat(TrainFixture.kpi(parts, line)).isEqualTo(TrainFixture.kpi(whole, line));
    }
    bestModelScoresWhatItsValidationFound(data, whole);
  }

  /** The file has the averaged weights, and evaluating them gives the validation's scores. */
  private void bestModelScoresWhatItsValidationFound(Path data, Path whole) throws IOException {
    Path best = whole.resolve(BestModel.FILE);
    WeightsFile file = WeightsFile.read(best);
    int epoch = Math.toIntExact(file.integer("epoch"));
    assertThat(file.integer(Checkpoint.OWN, "best", "epoch")).isEqualTo(epoch);
    WeightsFile sameEpoch = WeightsFile.read(whole.resolve(Checkpoint.epochName(epoch)));
    String name = "model.decoder.linear_fuse.0.weight";
    StoredTensor average = sameEpoch.tensors(Checkpoint.OWN, "ema", "state_dict").get(name);
    assertThat(file.tensors("state_dict").get(name).toFloats()).isEqualTo(average.toFloats());
    assertThat(sameEpoch.tensors("state_dict").get(name).toFloats())
        .isNotEqualTo(average.toFloats());
    Path evaluated = folder.resolve("evaluated");
    TaskRunner.run(
        TrainFixture.spec(
            Task.EVALUATE,
            data,
            evaluated,
            "evaluate.checkpoint=" + best,
            "dataset.segment.test_split=val"),
        Reporter.SILENT,
        new Interruption());
    double miou =
        TrainFixture.kpi(evaluated, "Test metrics generated.").get("test_miou").asDouble();
    assertThat(miou)
        .isEqualTo(
            TrainFixture.status(whole).stream()
                .filter(l -> l.get("message").asText().equals("Eval metrics generated."))
                .toList()
                .get(epoch)
                .get("kpi")
                .get("val_miou")
                .asDouble());
  }

  @Test
  void trainingStopsWhenNothingImprovesAndOldCheckpointsGo() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = folder.resolve("results");
    String[] settings = {
      "train.num_epochs=9",
      // Without steps of any size nothing improves after the first epoch.
      "train.optim.lr=0",
      "train.optim.momentum=0",
      "train.optim.monitor_name=train_loss",
      "dataset.segment.augmentation.random_flip.enable=false",
      "dataset.segment.augmentation.random_rotate.enable=false",
      "dataset.segment.augmentation.random_color.enable=false",
      "dataset.segment.augmentation.with_scale_random_crop.enable=false",
      "dataset.segment.augmentation.with_random_crop=false",
      "dataset.segment.augmentation.with_random_blur=false",
      "model.backbone.drop_path_rate=0",
      "train.best.enabled=true",
      "train.best.patience=3",
      "train.best.keep_last=1"
    };
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, settings), reporter, new Interruption());
    long best = WeightsFile.read(results.resolve(BestModel.FILE)).integer("epoch");
    long last = TrainFixture.latest(results).integer("epoch");
    assertThat(last).isEqualTo(best + 3).isLessThan(8);
    String farewell = "Early stop: train_loss is no better in the last 3 validations; best model: ";
    assertThat(reporter.lines.getLast()).startsWith(farewell);
    assertThat(TrainFixture.messages(results))
        .anyMatch(m -> m.startsWith("RUNNING " + farewell))
        .endsWith("RUNNING Train finished successfully.");
    assertThat(TrainFixture.names(results).stream().filter(n -> n.startsWith("model_")))
        .containsExactly(
            Checkpoint.epochName(Math.toIntExact(best)),
            Checkpoint.epochName(Math.toIntExact(last)));
    // Started again, it has nothing to do; with more patience it goes on.
    CapturingReporter again = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, settings), again, new Interruption());
    assertThat(again.lines)
        .anyMatch(l -> l.startsWith("Nothing to train: train.best.patience is 3. "));
    assertThat(TrainFixture.latest(results).integer("epoch")).isEqualTo(last);
    settings[settings.length - 2] = "train.best.patience=4";
    TrainFixture.train(data, results, settings);
    assertThat(TrainFixture.latest(results).integer("epoch")).isGreaterThan(last);
  }

  @Test
  void anAverageGoesBackToTheWeightsToTheBit() {
    try (ChangeNet net =
        new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2))) {
      net.initialize(3);
      net.backbone().freezePretrained();
      float[] before = net.parameters().getLast().data().toFloatArray();
      try (WeightAverage average = new WeightAverage(net, 0.999)) {
        int[] averaged = {0};
        average.forEach((name, t) -> averaged[0] += name.startsWith("backbone.") ? 100_000 : 1);
        assertThat(averaged[0]).isBetween(1, 99_999);
        for (float step : new float[] {1, 2}) {
          net.parameters().getLast().data().floats()[0] = before[0] + step;
          average.update();
        }
        // Kept shares: 2/11, then 3/12.
        double first = 2.0 / 11 * before[0] + 9.0 / 11 * (before[0] + 1);
        double second = 0.25 * first + 0.75 * (before[0] + 2);
        double inside =
            average.during(() -> (double) net.parameters().getLast().data().floats()[0]);
        assertThat(inside).isCloseTo(second, within(1e-6));
        before[0] += 2;
        assertThat(net.parameters().getLast().data().toFloatArray()).isEqualTo(before);
      }
    }
  }

  @Test
  void whatIsOffLeavesNoTrace() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path plain =
        TrainFixture.train(
            data, folder.resolve("plain"), "train.num_epochs=1", "train.checkpoint_interval=1");
    assertThat(TrainFixture.latest(plain).has(Checkpoint.OWN)).isFalse();
    assertThat(Files.exists(plain.resolve(BestModel.FILE))).isFalse();
    // The best of one epoch is that epoch, in a file of its own.
    Path best =
        TrainFixture.train(
            data, folder.resolve("best"), with("train.ema.enabled=false", "train.num_epochs=1"));
    Path file = best.resolve(BestModel.FILE);
    assertThat(Files.isSymbolicLink(file)).isFalse();
    assertThat(file).hasSameBinaryContentAs(best.resolve("model_epoch_000.pth"));
  }
}
