package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.changenet.config.Task;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.WeightsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint of another network is refused by the settings that differ. */
@ExtendWith(OneThread.class)
class ModelFitTest {
  @TempDir static Path folder;

  private static Path data;
  private static Path results;
  private static Path checkpoint;

  @BeforeAll
  static void train() throws IOException {
    data = TrainFixture.data(folder.resolve("data"), 2);
    results = TrainFixture.train(data, folder.resolve("results"), "train.num_epochs=1");
    checkpoint = results.resolve("model_epoch_000.pth");
  }

  /** Runs a task that must fail; returns what it says and then its message. */
  private static List<String> failure(Task task, Path into, String... overrides) {
    CapturingReporter reporter = new CapturingReporter();
    Throwable thrown =
        catchThrowable(
            () ->
                TaskRunner.run(
                    TrainFixture.spec(task, data, into, overrides), reporter, new Interruption()));
    assertThat(thrown).isNotNull();
    List<String> said = new ArrayList<>(reporter.lines);
    said.add(thrown.getMessage());
    return said;
  }

  @Test
  void whatIsRefusedLeavesTheSpecOfTheRunBefore() throws IOException {
    Path spec = results.resolve("experiment.yaml");
    String before = Files.readString(spec);
    failure(Task.TRAIN, results, "dataset.segment.num_classes=7");
    failure(Task.TRAIN, results, "dataset.segment.label_transform=None", "train.num_epochs=2");
    CapturingReporter nothing = new CapturingReporter();
    TaskRunner.run(
        TrainFixture.spec(Task.TRAIN, data, results, "train.num_epochs=1", "train.seed=8"),
        nothing,
        new Interruption());
    assertThat(nothing.lines).anyMatch(l -> l.contains("Nothing to train"));
    assertThat(spec).hasContent(before);

    Path fresh = folder.resolve("fresh");
    failure(Task.TRAIN, fresh, "dataset.segment.label_transform=None");
    assertThat(fresh.resolve("experiment.yaml")).exists();
  }

  @Test
  void aResumeWithOtherClassesSaysSoBeforeAnythingElse() {
    List<String> said =
        failure(
            Task.TRAIN,
            results,
            "dataset.segment.num_classes=7",
            "dataset.segment.label_transform=None",
            "train.num_epochs=1");

    assertThat(said.getLast())
        .isEqualTo(
            checkpoint
                + ": the checkpoint was trained with 2 classes, the spec has 7; set"
                + " dataset.segment.num_classes=2, or train into another results_dir");
    assertThat(said)
        .noneMatch(
            line -> line.startsWith("Nothing to train") || line.startsWith("Training pairs"));
  }

  @Test
  void anotherEncoderAndWidthAreNamedTogether() {
    String[] other = {
      "model.backbone.type=fan_small_12_p4_hybrid", "model.decode_head.decoder_params.embed_dim=16"
    };
    String text =
        checkpoint
            + ": the checkpoint was trained with fan_tiny_8_p4_hybrid, the spec has"
            + " fan_small_12_p4_hybrid, and with embed_dim 8, the spec has 16; set"
            + " model.backbone.type=fan_tiny_8_p4_hybrid"
            + " model.decode_head.decoder_params.embed_dim=8";

    assertThat(
            failure(
                    Task.TRAIN,
                    folder.resolve("given"),
                    other[0],
                    other[1],
                    "train.resume_training_checkpoint_path=" + checkpoint)
                .getLast())
        .isEqualTo(text + ", or leave out train.resume_training_checkpoint_path");
    assertThat(
            failure(
                    Task.EVALUATE,
                    folder.resolve("evaluate"),
                    other[0],
                    other[1],
                    "evaluate.checkpoint=" + checkpoint)
                .getLast())
        .isEqualTo(text);
  }

  @Test
  void anIncompleteCheckpointIsToldByNames() {
    OrderedDict state = new OrderedDict();
    WeightsFile.read(checkpoint).tensors("state_dict").forEach(state::put);
    state.remove("model.decoder.change_probability.conv2d.bias");
    Path incomplete = folder.resolve("incomplete.pth");
    PthWriter.write(incomplete, Map.of("state_dict", state));

    assertThat(
            failure(
                    Task.EVALUATE,
                    folder.resolve("incomplete"),
                    "evaluate.checkpoint=" + incomplete)
                .getLast())
        .startsWith(incomplete + ": the weights do not fit the network of the spec (missing: 1 ")
        .contains("model.decoder.change_probability.conv2d.bias");
  }
}
