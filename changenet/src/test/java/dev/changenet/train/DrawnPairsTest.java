package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.config.Task;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(OneThread.class)
class DrawnPairsTest {
  @TempDir Path folder;

  @Test
  void everyNthBatchIsDrawnFromZero() {
    DrawnPairs drawn = new DrawnPairs("evaluate.vis_after_n_batches", 10);
    assertThat(drawn.draws(0, 2)).isTrue();
    assertThat(drawn.draws(9, 2)).isFalse();
    assertThat(drawn.draws(20, 1)).isTrue();
    assertThat(drawn.notice())
        .contains(
            "Pictures of 3 of 5 pairs: evaluate.vis_after_n_batches is 10, so only one batch in 10"
                + " is drawn; evaluate.vis_after_n_batches=1 draws all");
    assertThat(new DrawnPairs("x", 1).draws(3, 2)).isTrue();
  }

  @Test
  void evaluationAndInferenceSayWhyPicturesAreFew() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path trained = TrainFixture.train(data, folder.resolve("train"), "train.num_epochs=1");
    for (Task task : List.of(Task.EVALUATE, Task.INFERENCE)) {
      String key = task.key() + ".vis_after_n_batches";
      String few =
          "Pictures of 1 of 2 pairs: %s is 4, so only one batch in 4 is drawn; %s=1 draws all"
              .formatted(key, key);
      assertThat(lines(task, data, trained, key + "=4")).contains(few);
      assertThat(lines(task, data, trained, key + "=1")).noneMatch(l -> l.startsWith("Pictures"));
    }
  }

  private List<String> lines(Task task, Path data, Path trained, String setting)
      throws IOException {
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(
            task,
            data,
            folder.resolve(task.key()),
            task.key() + ".checkpoint=" + trained.resolve(Checkpoint.LATEST),
            "dataset.segment.batch_size=1",
            setting),
        reporter,
        new Interruption());
    assertThat(reporter.lines)
        .anyMatch(line -> line.endsWith("; pictures are in " + folder.resolve(task.key())));
    return reporter.lines;
  }
}
