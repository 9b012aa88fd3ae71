package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.config.Task;
import dev.changenet.image.DataException;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.FolderEntries;
import dev.changenet.testing.UnreadableFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What several runs that meet in a results directory say and leave. */
@ExtendWith(OneThread.class)
class ResultsFolderTest {
  @TempDir Path folder;
  private Path data;
  private Path results;

  @BeforeEach
  void makeData() {
    data = TrainFixture.data(folder.resolve("data"), 2);
    results = folder.resolve("results");
  }

  @Test
  void aSecondTrainingIsRefusedWhileOneRuns() throws IOException {
    List<Throwable> refusals = new ArrayList<>();
    CapturingReporter reporter =
        new CapturingReporter(
            step -> {
              if (step == 1) {
                refusals.add(catchThrowable(() -> TrainFixture.train(data, results)));
                assertThat(results.resolve(ResultsLock.FILE)).exists();
              }
            });
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=1"),
        reporter,
        new Interruption());
    assertThat(refusals)
        .singleElement()
        .isInstanceOf(ChangeNetException.class)
        .extracting(Throwable::getMessage)
        .isEqualTo(
            "results_dir: another training (process "
                + ProcessHandle.current().pid()
                + ") writes to "
                + results
                + "; wait until it ends, stop it, or choose another results_dir");
    assertThat(TrainFixture.messages(results)).noneMatch(m -> m.startsWith("FAILURE"));
    assertThat(TrainFixture.names(results)).doesNotContain(ResultsLock.FILE);
  }

  @Test
  void aLockThatAKilledProcessLeftIsNone() throws IOException {
    Files.createDirectories(results);
    Files.writeString(results.resolve(ResultsLock.FILE), "123456789");
    TrainFixture.train(data, results, "train.num_epochs=1");
    assertThat(TrainFixture.names(results)).doesNotContain(ResultsLock.FILE);
  }

  @Test
  void aFolderThatCannotBeLockedIsAWarning() throws IOException {
    // A folder in the way of the lock's file.
    Files.createDirectories(results.resolve(ResultsLock.FILE));
    assertThat(warnings("train.num_epochs=1"))
        .contains(
            "results_dir: "
                + results
                + " cannot be locked (Is a directory); see to it that no other training writes"
                + " there");
    assertThat(results.resolve("model_epoch_000.pth")).exists();
  }

  @Test
  void aLockThatCannotBeWrittenLeavesNoFileOpen() throws IOException {
    Path full = Path.of("/dev/full");
    Path open = Path.of("/proc/self/fd");
    assumeTrue(Files.exists(full) && Files.isDirectory(open), "no /dev/full and /proc of Linux");
    Files.createDirectories(results);
    Files.createSymbolicLink(results.resolve(ResultsLock.FILE), full);
    assertThatThrownBy(() -> ResultsLock.take(results)).isInstanceOf(IOException.class);
    for (Path file : FolderEntries.matching(open, "*")) {
      assertThat(Files.exists(file) && Files.isSameFile(file, full)).as(file.toString()).isFalse();
    }
  }

  @Test
  void goingOnFromAnEarlyCheckpointWarnsOfTheLaterOnes() throws IOException {
    TrainFixture.train(data, results, "train.num_epochs=3");
    Path first = results.resolve("model_epoch_000.pth");
    assertThat(warnings("train.resume_training_checkpoint_path=" + first, "train.num_epochs=3"))
        .contains(
            "training goes on from "
                + first
                + " and replaces checkpoints of the same name in "
                + results
                + ", which has model_epoch_001.pth to model_epoch_002.pth; to keep them, stop and"
                + " choose another results_dir");
    Path last = results.resolve("model_epoch_002.pth");
    assertThat(warnings("train.resume_training_checkpoint_path=" + last, "train.num_epochs=4"))
        .noneMatch(w -> w.startsWith("training goes on"));
  }

  @Test
  void stepsOfACompleteEpochAreNotLaterThanIt() throws IOException {
    String[] bySteps = {"train.checkpoint_interval_unit=step", "train.checkpoint_interval=1"};
    TrainFixture.train(data, results, bySteps[0], bySteps[1], "train.num_epochs=1");
    assertThat(TrainFixture.names(results))
        .contains("model_epoch_000.pth", "model_epoch_000_step_00001.pth");
    assertThat(warnings(bySteps[0], bySteps[1], "train.num_epochs=2"))
        .noneMatch(w -> w.startsWith("training goes on"));
  }

  /** Numbers grow beyond the digits that names have at first. */
  @Test
  void positionsAreInTheOrderOfTraining() throws IOException {
    Files.createDirectories(results);
    List<String> inOrder =
        List.of(
            "model_epoch_000_step_00007.pth",
            "model_epoch_000_step_100000.pth",
            "model_epoch_000.pth",
            "model_epoch_999.pth",
            "model_epoch_1000.pth");
    for (String name : inOrder) {
      Files.createFile(results.resolve(name));
    }
    Files.createFile(results.resolve("model_epoch_best.pth"));
    assertThat(CheckpointPosition.in(results))
        .extracting(CheckpointPosition::name)
        .containsExactlyElementsOf(inOrder);
  }

  @Test
  void aLatestEntryThatLinksToItselfIsTold() throws IOException {
    Files.createDirectories(results);
    Files.createSymbolicLink(results.resolve(Checkpoint.LATEST), Path.of(Checkpoint.LATEST));
    assertThatThrownBy(() -> TrainFixture.train(data, results))
        .hasMessageContaining("links to itself")
        .hasMessageContaining("train.resume_training_checkpoint_path");
  }

  private List<String> warnings(String... overrides) throws IOException {
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, overrides), reporter, new Interruption());
    return reporter.warnings;
  }

  @Test
  void whatKilledProcessesLeftIsRemovedAndNothingElse() throws IOException {
    Files.createDirectories(results);
    for (String name :
        List.of(
            Checkpoint.LATEST,
            "." + Checkpoint.LATEST,
            BestModel.FILE,
            PretrainedWeights.REPORT,
            MetricsTable.FILE,
            "experiment.yaml",
            "mine.txt")) {
      Files.createFile(results.resolve(name + ".tmp-999999999"));
    }
    LatestCheckpoint.removeStale(results);
    assertThat(TrainFixture.names(results)).containsExactly("mine.txt.tmp-999999999");
  }

  @Test
  void aFolderThatCannotBeReadToItsEndIsAFaultOfTheFileSystem() throws Exception {
    try (UnreadableFolder broken = new UnreadableFolder()) {
      Path path = broken.path();
      List<ThrowingCallable> calls =
          List.of(
              () -> CheckpointPosition.in(path),
              () -> LatestCheckpoint.removeStale(path),
              () -> KeptCheckpoints.prune(path.resolve("model_epoch_001.pth"), 1, List.of()));
      for (ThrowingCallable call : calls) {
        assertThatThrownBy(call)
            .isInstanceOf(CheckpointException.class)
            .hasMessageStartingWith(path + ": ")
            .hasMessageContaining("Invalid argument");
      }
    }
  }

  @Test
  void anotherSizeThanTheTrainingsIsAWarning() throws IOException {
    TrainFixture.train(data, results, "train.num_epochs=1");
    String advice =
        "pictures are scaled to 64 x 64, but the checkpoint was trained at 32 x 32 ("
            + results.resolve("experiment.yaml")
            + "), where it is best; unless this is meant, add dataset.segment.img_size=32";
    for (Task task : new Task[] {Task.EVALUATE, Task.INFERENCE}) {
      String checkpoint = task.key() + ".checkpoint=" + results.resolve(Checkpoint.LATEST);
      Path to = folder.resolve(task.key());
      for (int size : new int[] {64, 32}) {
        CapturingReporter reporter = new CapturingReporter();
        TaskRunner.run(
            TrainFixture.spec(task, data, to, checkpoint, "dataset.segment.img_size=" + size),
            reporter,
            new Interruption());
        if (size == 64) {
          assertThat(reporter.warnings).as(task.key()).contains(advice);
        } else {
          assertThat(reporter.warnings).as(task.key()).noneMatch(w -> w.contains("scaled to"));
        }
      }
    }
  }

  @Test
  void aHeaderThatIsNoneIsToldFromAMissingFile() throws IOException {
    Path list = data.resolve("list/train.txt");
    List<String> lines = new ArrayList<>(List.of("image"));
    lines.addAll(Files.readAllLines(list));
    Files.delete(list);
    Files.write(data.resolve("list/train.csv"), lines);
    assertThatThrownBy(() -> TrainFixture.train(data, results))
        .isInstanceOf(DataException.class)
        .hasMessageEndingWith(
            "; 'image' looks like a header, which must be image_names in a .csv list");
  }
}
