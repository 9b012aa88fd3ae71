package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensorboard.EventReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Runs that cannot go on: one clear line, one FAILURE line, no damage. */
@ExtendWith(OneThread.class)
class RunFailureTest {
  @TempDir Path folder;

  private static void assertOneFailure(Path results, String start) throws IOException {
    List<String> failures =
        TrainFixture.messages(results).stream().filter(m -> m.startsWith("FAILURE")).toList();
    assertThat(failures).hasSize(1);
    assertThat(failures.getFirst()).startsWith("FAILURE " + start);
    assertThat(TrainFixture.messages(results).getLast()).isEqualTo(failures.getFirst());
  }

  @Test
  void aMissingSplitIsNamed() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = folder.resolve("results");
    assertThatThrownBy(
            () -> TrainFixture.train(data, results, "dataset.segment.validation_split=nothing"))
        .hasMessageContaining("nothing.txt");
    assertOneFailure(results, "File system error: ");
  }

  @Test
  void aMissingTestListIsAWarning() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path list = data.resolve("list/test.txt");
    assertThat(testListWarnings(data, "with")).isEmpty();
    Files.move(list, data.resolve("list/test.csv"));
    assertThat(testListWarnings(data, "csv")).isEmpty();
    assertThat(testListWarnings(data, "without", "dataset.segment.test_split=last"))
        .containsExactly(
            "there is no test list "
                + data.resolve("list/last.txt")
                + "; training does not need it, but evaluate will: create it, or set"
                + " dataset.segment.test_split to another list");
  }

  private List<String> testListWarnings(Path data, String results, String... overrides)
      throws IOException {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("train.num_epochs=1");
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, folder.resolve(results), all.toArray(String[]::new)),
        reporter,
        new Interruption());
    return reporter.warnings.stream().filter(line -> line.contains("test list")).toList();
  }

  @Test
  void weightsOfAnotherNumberOfClassesAreRefusedByName() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path trained = TrainFixture.train(data, folder.resolve("two"), "train.num_epochs=1");
    Path results = folder.resolve("three");
    Path model = trained.resolve("model_epoch_000.pth");
    assertThatThrownBy(
            () ->
                TrainFixture.train(
                    data,
                    results,
                    "dataset.segment.num_classes=3",
                    "dataset.segment.label_transform=None",
                    "train.pretrained_model_path=" + model))
        .hasMessageContaining(model.toString())
        .hasMessageContaining(
            "was trained with 2 classes, the spec has 3; set dataset.segment.num_classes=2, or leave"
                + " out train.pretrained_model_path");
    assertOneFailure(results, "File system error: ");
  }

  @Test
  void aBrokenPictureStopsTheRunButNotWhatWasTrained() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 8);
    Path whole = TrainFixture.train(data, folder.resolve("whole"), "train.num_epochs=1");
    Path results = folder.resolve("results");
    // The last picture of the first epoch that was trained on: two steps come before it.
    List<Path> pictures = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      pictures.add(data.resolve("A").resolve(SceneGenerator.name(i)));
    }
    int[] order = RandomStream.of(7, "shuffle", 0).permutation(8);
    Path broken = pictures.get(order[6]);
    byte[] content = Files.readAllBytes(broken);
    // A fault that shows only when the picture is decoded.
    byte[] wrong = content.clone();
    Arrays.fill(wrong, content.length / 2, content.length / 2 + 16, (byte) 0);
    Files.write(broken, wrong);
    assertThatThrownBy(() -> TrainFixture.train(data, results, "train.num_epochs=1"))
        .hasMessageContaining(broken.getFileName().toString());
    assertOneFailure(results, "File system error: ");
    assertThat(TrainFixture.latest(results).integer("global_step")).isEqualTo(3);
    Files.write(broken, content);
    TrainFixture.train(data, results, "train.num_epochs=1");
    assertThat(TrainFixture.bits(TrainFixture.latest(results)))
        .isEqualTo(TrainFixture.bits(TrainFixture.latest(whole)));
  }

  private static boolean succeeds(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  /** Mounts a file system of {@code size} in memory at {@code point}, or skips the test. */
  private static void mount(Path point, String size) throws IOException, InterruptedException {
    Files.createDirectories(point);
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/mount")), "no mount command to make a full disk with");
    assumeTrue(
        succeeds("/usr/bin/mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", point.toString()),
        "not allowed to mount a small file system");
  }

  private static void unmount(Path point) throws IOException, InterruptedException {
    // Lazily: files that were read stay mapped until the garbage collector comes by.
    assertThat(succeeds("/usr/bin/umount", "-l", point.toString())).isTrue();
  }

  @Test
  void aFullDiskLeavesTheLatestCheckpointWhole() throws Exception {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path disk = folder.resolve("disk");
    // Room for one checkpoint with its momentum, not for two.
    mount(disk, "90m");
    try {
      Path results = disk.resolve("results");
      Throwable failure = catchThrowable(() -> TrainFixture.train(data, results));
      assertThat(failure)
          .hasMessageContaining("model_epoch_001.pth: can't be written: No space left on device");
      assertThat(failure.getMessage().lines()).hasSize(1);
      assertOneFailure(results, "File system error: ");
      assertThat(TrainFixture.names(results))
          .containsExactlyInAnyOrder(
              Checkpoint.LATEST,
              "experiment.yaml",
              "metrics.csv",
              "model_epoch_000.pth",
              "report-history.jsonl",
              "report.html",
              "status.json");
      assertThat(TrainFixture.latest(results).integer("epoch")).isZero();
    } finally {
      unmount(disk);
    }
  }

  @Test
  void aFullDiskEndsEventFilesAfterAWholeRecordAndNotTheTraining() throws Exception {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = folder.resolve("results");
    Path disk = results.resolve(TrainingCurves.FOLDER);
    // Room for the norms of the first step, not for pictures.
    mount(disk, "8k");
    try {
      CapturingReporter reporter = new CapturingReporter();
      ExperimentSpec spec =
          TrainFixture.spec(
              Task.TRAIN, data, results, "train.tensorboard.enabled=true", "train.num_epochs=1");
      TaskRunner.run(spec, reporter, new Interruption());
      assertThat(reporter.warnings.stream().filter(w -> w.contains("TensorBoard")))
          .singleElement()
          .asString()
          .contains("No space left on device", "training goes on without them", "metrics.csv");
      assertThat(results.resolve("model_epoch_000.pth")).exists();
      assertThat(results.resolve(MetricsTable.FILE)).exists();
      assertThat(EventReader.read(EventReader.files(disk).getFirst())).hasSizeGreaterThan(1);
    } finally {
      unmount(disk);
    }
  }

  @Test
  void statusLinesAreWrittenWholeOrNotAtAll() throws Exception {
    Path disk = folder.resolve("disk");
    mount(disk, "64k");
    try {
      StatusLog log = new StatusLog(disk);
      String message = "x".repeat(3000);
      Throwable failure = null;
      for (int i = 0; i < 100 && failure == null; i++) {
        failure = catchThrowable(() -> log.write(StatusLog.Status.RUNNING, message));
      }
      assertThat(failure).hasMessageContaining("check space and permissions");
      assertThat(TrainFixture.status(disk)).isNotEmpty();
      assertThat(Files.readString(disk.resolve("status.json"))).endsWith("}\n");
    } finally {
      unmount(disk);
    }
  }

  @Test
  void aReadOnlyResultsDirectoryIsNamed() throws Exception {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path disk = folder.resolve("disk");
    mount(disk, "1m");
    try {
      Path results = Files.createDirectories(disk.resolve("results"));
      assertThat(succeeds("/usr/bin/mount", "-o", "remount,ro", disk.toString())).isTrue();
      ExperimentSpec spec = TrainFixture.spec(Task.TRAIN, data, results);
      Throwable failure =
          catchThrowable(() -> TaskRunner.run(spec, Reporter.SILENT, new Interruption()));
      assertThat(failure)
          .hasMessageContaining(results.toString())
          .hasMessageContaining("ead-only file system")
          .hasMessageContaining("results_dir");
      assertThat(failure.getMessage().lines()).hasSize(1);
      assertThat(TrainFixture.names(results)).isEmpty();
    } finally {
      unmount(disk);
    }
  }

  @Test
  void aFolderOrAForeignFileIsNoCheckpoint() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = Files.createDirectories(folder.resolve("results"));
    Files.writeString(results.resolve(Checkpoint.LATEST), "no weights");
    assertThatThrownBy(() -> TrainFixture.train(data, results))
        .hasMessageContaining(Checkpoint.LATEST);
    assertOneFailure(results, "File system error: ");
    assertThatThrownBy(() -> Checkpoint.open(results)).hasMessageContaining("is a folder");
  }
}
