package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.changenet.config.Task;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a training writes, when, and how the next run goes on from it. */
@ExtendWith(OneThread.class)
class TrainRunTest {
  @TempDir Path folder;

  private static List<String> keys(JsonNode line) {
    List<String> keys = new ArrayList<>();
    line.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  private static List<String> checkpoints(Path results) throws IOException {
    return TrainFixture.names(results).stream().filter(n -> n.endsWith(".pth")).toList();
  }

  private static double rate(Path checkpoint) {
    WeightsFile file = WeightsFile.read(checkpoint);
    return file.number("optimizer_states", 0, "param_groups", 0, "lr");
  }

  @Test
  void aSeedFromTheClockIsToldAndRepeatsTheRun() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = folder.resolve("results");
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=1", "train.seed=-1"),
        reporter,
        new Interruption());
    String told =
        reporter.lines.stream().filter(l -> l.startsWith("No seed set")).findFirst().orElseThrow();
    String seed = told.replaceAll("\\D+", " ").trim().split(" ")[0];
    assertThat(told)
        .isEqualTo("No seed set: using " + seed + ", train.seed=" + seed + " repeats this run");
    assertThat(TrainFixture.messages(results)).contains("RUNNING " + told);
    Path again =
        TrainFixture.train(
            data, folder.resolve("again"), "train.num_epochs=1", "train.seed=" + seed);
    assertThat(TrainFixture.bits(TrainFixture.latest(again)))
        .isEqualTo(TrainFixture.bits(TrainFixture.latest(results)));
  }

  @Test
  void filesAndStatusLinesFollowTheIntervalsAndRunsGoOnFromTheLatest() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    String[] settings = {
      "train.num_epochs=3",
      "train.checkpoint_interval=2",
      "train.validation_interval=2",
      "train.optim.policy=step"
    };
    Path results = TrainFixture.train(data, folder.resolve("results"), settings);
    assertThat(checkpoints(results))
        .containsExactly(Checkpoint.LATEST, "model_epoch_001.pth", "model_epoch_002.pth");
    assertThat(Files.readSymbolicLink(results.resolve(Checkpoint.LATEST)))
        .hasToString("model_epoch_002.pth");
    assertThat(TrainFixture.names(results)).contains("experiment.yaml", "status.json");
    String[] epoch = {"RUNNING Training loop in progress", "RUNNING Train metrics generated."};
    assertThat(TrainFixture.messages(results))
        .containsExactly(
            "STARTED Starting Visual ChangeNet train.",
            "STARTED Starting Training Loop.",
            epoch[0],
            epoch[1],
            "RUNNING Eval metrics generated.",
            epoch[0],
            epoch[1],
            epoch[0],
            epoch[1],
            "RUNNING Training loop complete.",
            "RUNNING Train finished successfully.");
    checkLines(TrainFixture.status(results));
    // One step per epoch and s = 1: the stored rate is the next epoch's.
    assertThat(rate(results.resolve("model_epoch_001.pth"))).isCloseTo(1e-4, within(1e-12));
    assertThat(rate(results.resolve("model_epoch_002.pth"))).isCloseTo(1e-5, within(1e-12));

    long lines = TrainFixture.status(results).size();
    byte[] before = Files.readAllBytes(results.resolve("model_epoch_002.pth"));
    TrainFixture.train(data, results, settings);
    assertThat(TrainFixture.messages(results).stream().skip(lines))
        .containsExactly(
            "STARTED Starting Visual ChangeNet train.",
            "RUNNING Resuming training from checkpoint: " + results.resolve("model_epoch_002.pth"),
            "STARTED Starting Training Loop.",
            "RUNNING Training loop complete.",
            "RUNNING Train finished successfully.");
    assertThat(Files.readAllBytes(results.resolve("model_epoch_002.pth"))).isEqualTo(before);

    assertThatThrownBy(
            () ->
                TrainFixture.train(
                    data, results, "train.num_epochs=2", "train.validation_interval=2"))
        .hasMessageContaining("train.num_epochs: 2 is less than the 3 epochs that")
        .hasMessageContaining("model_epoch_002.pth has already done");
    assertThat(TrainFixture.messages(results).getLast())
        .startsWith("FAILURE Parameter validation error: train.num_epochs: 2 is less than");

    // The stored rate and step length rule: other ones are ignored, visibly.
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(
            Task.TRAIN,
            data,
            results,
            "train.num_epochs=4",
            "train.checkpoint_interval=4",
            "train.optim.lr=5",
            "train.optim.policy=linear"),
        reporter,
        new Interruption());
    assertThat(reporter.warnings)
        .anyMatch(w -> w.startsWith("train.optim.lr: 5.0 is ignored"))
        .anyMatch(w -> w.startsWith("train.optim.policy: linear is ignored"));
    assertThat(rate(results.resolve("model_epoch_003.pth"))).isCloseTo(1e-6, within(1e-12));
    assertThat(WeightsFile.read(results.resolve("model_epoch_003.pth")).integer("global_step"))
        .isEqualTo(4);
  }

  private static void checkLines(List<JsonNode> lines) {
    String[] always = {"date", "time", "status", "verbosity", "message"};
    assertThat(keys(lines.get(0))).containsExactly(always);
    JsonNode first = lines.get(2);
    assertThat(keys(first))
        .containsExactly(
            "epoch",
            "step",
            "max_epoch",
            "max_step",
            "time_per_epoch",
            "time_per_step",
            "eta",
            "date",
            "time",
            "status",
            "verbosity",
            "message");
    assertThat(first.get("epoch").asInt()).isZero();
    assertThat(first.get("step").asInt()).isEqualTo(1);
    assertThat(first.get("max_epoch").asInt()).isEqualTo(2);
    assertThat(first.get("max_step").asInt()).isEqualTo(3);
    for (String key : List.of("time_per_epoch", "time_per_step", "eta")) {
      assertThat(first.get(key).asText()).matches("\\d+:\\d\\d:\\d\\d(\\.\\d{6})?");
    }
    assertThat(lines.get(7).get("eta").asText()).isEqualTo("0:00:00");
    assertThat(keys(lines.get(3).get("kpi"))).containsExactly("train_loss");
    JsonNode validation = lines.get(4).get("kpi");
    assertThat(keys(validation))
        .containsExactly(
            "val_loss", "val_acc", "val_miou", "val_mf1", "val_mprecision", "val_mrecall");
    assertThat(lines.get(5).get("kpi")).isEqualTo(validation);
    assertThat(keys(lines.get(6).get("kpi"))).containsExactly("train_loss");
    assertThat(lines.get(7).get("kpi")).isEqualTo(lines.get(6).get("kpi"));
    assertThat(lines.getLast().get("kpi")).isEqualTo(lines.get(8).get("kpi"));
  }

  @Test
  void stepIntervalsSaveInsideEpochsAndOtherOptimizersAreRefused() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 3);
    String[] settings = {
      "train.num_epochs=1",
      "train.checkpoint_interval_unit=step",
      "train.checkpoint_interval=2",
      "dataset.segment.batch_size=1",
      "train.optim.optim=adamw"
    };
    Path results = TrainFixture.train(data, folder.resolve("results"), settings);
    assertThat(checkpoints(results))
        .containsExactly(
            Checkpoint.LATEST, "model_epoch_000.pth", "model_epoch_000_step_00002.pth");

    // From inside the epoch to the same end.
    Path other = folder.resolve("other");
    TrainFixture.train(
        data,
        other,
        with(
            settings,
            "train.resume_training_checkpoint_path="
                + results.resolve("model_epoch_000_step_00002.pth")));
    assertThat(TrainFixture.bits(TrainFixture.latest(other)))
        .isEqualTo(TrainFixture.bits(TrainFixture.latest(results)));
    assertThat(TrainFixture.kpi(other, "Train metrics generated."))
        .isEqualTo(TrainFixture.kpi(results, "Train metrics generated."));

    for (String optimizer : List.of("adam", "sgd")) {
      assertThatThrownBy(
              () ->
                  TrainFixture.train(
                      data,
                      results,
                      with(settings, "train.num_epochs=2", "train.optim.optim=" + optimizer)))
          .hasMessageContaining("was trained with train.optim.optim adamw, the spec says ")
          .hasMessageContaining(optimizer);
    }
    Files.delete(results.resolve("model_epoch_000.pth"));
    assertThatThrownBy(() -> TrainFixture.train(data, results, settings))
        .hasMessageContaining("points to model_epoch_000.pth, which does not exist");
  }

  private static String[] with(String[] settings, String... more) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  /** As after a copy that leaves links out. */
  @Test
  void checkpointsWithoutTheLatestAreToldOf() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = TrainFixture.train(data, folder.resolve("run"), "train.num_epochs=1");
    Files.delete(results.resolve(Checkpoint.LATEST));
    CapturingReporter reporter = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=1"),
        reporter,
        new Interruption());
    assertThat(reporter.warnings)
        .anyMatch(
            w ->
                w.contains("has model_epoch_000.pth but no " + Checkpoint.LATEST)
                    && w.contains("train.resume_training_checkpoint_path"));
  }

  @Test
  void aDamagedLatestSaysHowToGoOn() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = TrainFixture.train(data, folder.resolve("run"), "train.num_epochs=1");
    Path file = results.resolve("model_epoch_000.pth");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 5000));
    assertThatThrownBy(() -> TrainFixture.train(data, results, "train.num_epochs=2"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            file
                + ": the zip archive is cut off (its directory is missing); go on from an earlier one"
                + " with train.resume_training_checkpoint_path, or delete "
                + Checkpoint.LATEST
                + " to begin anew");
    assertThatThrownBy(
            () ->
                TrainFixture.train(data, results, "train.resume_training_checkpoint_path=" + file))
        .hasMessageEndingWith(
            "; name another one in train.resume_training_checkpoint_path, or leave it out");
  }
}
