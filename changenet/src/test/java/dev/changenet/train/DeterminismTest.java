package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.changenet.config.Task;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.cpu.Parallel;
import dev.changenet.testing.LongTests;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The same spec, data and device give the same bytes, however the work was cut. */
@ExtendWith(OneThread.class)
class DeterminismTest {
  private static final String[] ADAMW = {
    "train.optim.optim=adamw", "train.optim.lr=0.001", "train.checkpoint_interval=2"
  };

  @TempDir Path folder;

  private static String[] with(String... more) {
    List<String> all = new ArrayList<>(List.of(ADAMW));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Test
  void threadsAndWorkersDoNotChangeTheResult() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 4);
    Parallel.setThreads(1);
    Path first = TrainFixture.train(data, folder.resolve("t1w0"), with());
    Map<String, List<Integer>> expected = TrainFixture.bits(TrainFixture.latest(first));
    JsonNode scores = TrainFixture.kpi(first, "Eval metrics generated.");
    JsonNode loss = TrainFixture.kpi(first, "Train metrics generated.");
    assertThat(scores.get("val_loss").asDouble()).isFinite();
    int[][] choices = {{2, 3}, {4, 0}};
    for (int[] choice : choices) {
      Parallel.setThreads(choice[0]);
      Path other =
          TrainFixture.train(
              data,
              folder.resolve("t" + choice[0] + "w" + choice[1]),
              with("dataset.segment.workers=" + choice[1]));
      assertThat(TrainFixture.bits(TrainFixture.latest(other))).isEqualTo(expected);
      assertThat(TrainFixture.kpi(other, "Eval metrics generated.")).isEqualTo(scores);
      assertThat(TrainFixture.kpi(other, "Train metrics generated.")).isEqualTo(loss);
    }
  }

  @Test
  void stoppingAtAnyStepAndGoingOnGivesTheSameWeightsAndScores() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 6);
    String[] settings = with("train.num_epochs=3", "train.checkpoint_interval=3");
    Path whole = TrainFixture.train(data, folder.resolve("whole"), settings);
    Path parts = folder.resolve("parts");
    // Progress calls of an epoch: three steps, one validation batch.
    Random random = new Random(5);
    int interruptions = 0;
    int inside = 1 + random.nextInt(2);
    // Inside the first epoch, then before its validation, then after that of the second one.
    for (int stop : new int[] {inside, 3 - inside, 5}) {
      Interruption interruption = new Interruption();
      try {
        TaskRunner.run(
            TrainFixture.spec(Task.TRAIN, data, parts, settings),
            CapturingReporter.stoppingAt(stop, interruption),
            interruption);
      } catch (InterruptedRunException e) {
        interruptions++;
        assertThat(TrainFixture.messages(parts).getLast())
            .isEqualTo("FAILURE User/System interruption: Train was interrupted");
      }
    }
    assertThat(interruptions).isEqualTo(3);
    TrainFixture.train(data, parts, settings);
    WeightsFile expected = TrainFixture.latest(whole);
    WeightsFile actual = TrainFixture.latest(parts);
    assertThat(TrainFixture.bits(actual)).isEqualTo(TrainFixture.bits(expected));
    assertThat(actual.map("lr_schedulers", 0)).isEqualTo(expected.map("lr_schedulers", 0));
    for (String line : List.of("Eval metrics generated.", "Train metrics generated.")) {
      assertThat(TrainFixture.kpi(parts, line)).isEqualTo(TrainFixture.kpi(whole, line));
    }
    assertThat(TrainFixture.messages(parts)).endsWith("RUNNING Train finished successfully.");
  }

  /** Drop path, dropped positions and crops of positions go on where they were, too. */
  @Test
  void aTrainingOfCRadioStoppedInsideAnEpochGoesOnTheSame() throws IOException {
    LongTests.require();
    Path data = TrainFixture.data(folder.resolve("data"), 6);
    String[] settings = {
      "train.num_epochs=1",
      "model.backbone.type=c_radio_v2_vit_base_patch16_224",
      "model.decode_head.feature_strides=[4,8,16,32]",
      "dataset.segment.img_size=64",
    };
    Path whole = TrainFixture.train(data, folder.resolve("whole"), settings);
    Path parts = folder.resolve("parts");
    Interruption interruption = new Interruption();
    CapturingReporter stopper = CapturingReporter.stoppingAt(2, interruption);
    assertThatThrownBy(
            () ->
                TaskRunner.run(
                    TrainFixture.spec(Task.TRAIN, data, parts, settings), stopper, interruption))
        .isInstanceOf(InterruptedRunException.class);
    assertThat(TrainFixture.latest(parts).integer("global_step")).isBetween(1L, 2L);
    TrainFixture.train(data, parts, settings);
    assertThat(TrainFixture.bits(TrainFixture.latest(parts)))
        .isEqualTo(TrainFixture.bits(TrainFixture.latest(whole)));
    HeapStorage.trimPool();
  }
}
