package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.Monitor;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripted scores, without any training. */
class BestModelTest {
  @TempDir Path folder;

  private static List<Integer> improvements(BestModel best, double... scores) {
    List<Integer> epochs = new ArrayList<>();
    for (int e = 0; e < scores.length && !best.exhausted(); e++) {
      if (best.judge(e, scores[e])) {
        epochs.add(e);
      }
    }
    return epochs;
  }

  @Test
  void lossesFallAndMetricsRise() {
    double[] scores = {0.5, 0.6, 0.6, 0.4, 0.7, 0.4, Double.NaN, 0.39};
    assertThat(improvements(new BestModel(new Monitor("val_miou"), 0), scores))
        .containsExactly(0, 1, 4);
    assertThat(improvements(new BestModel(new Monitor("val_loss"), 0), scores))
        .containsExactly(0, 3, 7);
    assertThat(improvements(new BestModel(new Monitor("train_loss"), 0), Double.NaN, 3, 2))
        .containsExactly(1, 2);
  }

  @Test
  void patienceCountsValidationsWithoutImprovement() {
    BestModel best = new BestModel(new Monitor("val_miou"), 3);
    assertThat(improvements(best, 0.5, 0.4, 0.6, 0.6, 0.5, Double.NaN, 0.9)).containsExactly(0, 2);
    assertThat(best.exhausted()).isTrue();
    assertThat(best.farewell())
        .isEqualTo(
            "Early stop: val_miou is no better in the last 3 validations; best model:"
                + " changenet_model_segment_best.pth (val_miou=0.6000, epoch 2)");
    BestModel never = new BestModel(new Monitor("val_miou"), 0);
    improvements(never, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1);
    assertThat(never.exhausted()).isFalse();
  }

  @Test
  void everyNamedScoreIsFound() {
    ConfusionMatrix matrix = new ConfusionMatrix(3);
    matrix.add(0, 0, 5);
    matrix.add(1, 1, 3);
    matrix.add(2, 1, 1);
    Validation.Result found = new Validation.Result(0.25, matrix, matrix.scores());
    TrainObserver.Epoch epoch = new TrainObserver.Epoch(4, 40, 0.75, 0.1, 1, 1, Optional.of(found));
    for (String name : Monitor.names(3)) {
      BestModel best = new BestModel(new Monitor(name), 0);
      assertThat(best.judge(epoch)).as(name).isTrue();
      double expected =
          switch (name) {
            case "val_loss" -> 0.25;
            case "train_loss" -> 0.75;
            default -> matrix.scores().get(name.replace("val_", ""));
          };
      assertThat(best.state()).containsEntry("value", expected).containsEntry("epoch", 4L);
    }
  }

  @Test
  void stateSurvivesACheckpointToTheBit() {
    BestModel best = new BestModel(new Monitor("iou_1"), 3);
    improvements(best, 0.1 + 0.2, 0.25, 0.2);
    Path file = folder.resolve("a.pth");
    PthWriter.write(file, Map.of(Checkpoint.OWN, Map.of("best", best.state())));
    BestModel again = new BestModel(new Monitor("iou_1"), 3);
    assertThat(again.restore(WeightsFile.read(file))).isEqualTo("iou_1");
    assertThat(again.state()).isEqualTo(best.state());
    assertThat(again.judge(3, 0.1 + 0.2)).isFalse();
    assertThat(again.exhausted()).isTrue();
    BestModel other = new BestModel(new Monitor("val_loss"), 3);
    assertThat(other.restore(WeightsFile.read(file))).isEqualTo("iou_1");
    assertThat(other.epoch()).isEqualTo(BestModel.NONE);
  }

  private Path file(String name) throws IOException {
    return Files.writeString(folder.resolve(name), name);
  }

  @Test
  void oldCheckpointsGoExceptThoseThatAreNeeded() throws IOException {
    for (int e : new int[] {0, 1, 2, 3, 4, 9}) {
      file(Checkpoint.epochName(e));
    }
    file(Checkpoint.stepName(2, 11));
    file(Checkpoint.stepName(4, 17));
    file("model_epoch_001.pth.tmp-1");
    file("mine.pth");
    file(BestModel.FILE);
    Path saved = folder.resolve(Checkpoint.epochName(4));
    LatestCheckpoint.point(folder, Checkpoint.epochName(4));
    KeptCheckpoints.prune(
        saved,
        3,
        List.of(folder.resolve(Checkpoint.epochName(1)), folder.resolve(Checkpoint.epochName(7))));
    // Epoch 9 is of another training; the steps inside an epoch come before its end.
    assertThat(TrainFixture.names(folder))
        .containsExactlyInAnyOrder(
            "model_epoch_001.pth",
            "model_epoch_003.pth",
            "model_epoch_004_step_00017.pth",
            "model_epoch_004.pth",
            "model_epoch_009.pth",
            "model_epoch_001.pth.tmp-1",
            "mine.pth",
            BestModel.FILE,
            Checkpoint.LATEST);
  }
}
