package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small run through all tasks, as a user would do it. */
class EndToEndTest {
  private static final String LATEST = "changenet_model_segment_latest.pth";
  private static final Pattern FIELD = Pattern.compile("\"(status|message)\": \"([^\"]*)\"");

  @TempDir static Path folder;
  private static CommandRun generate;
  private static CommandRun train;
  private static List<String> trainStatus;
  private static CommandRun resume;
  private static CommandRun evaluate;
  private static CommandRun inference;
  private static CommandRun export;

  @BeforeAll
  static void runEverything() throws IOException {
    generate =
        CommandRun.of(
            ("generate " + folder.resolve("data") + " --train 6 --val 2 --test 3 --size 64")
                .split(" "));
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        results_dir: FOLDER/results
        encryption_key: do-not-print
        model:
          backbone: {type: fan_tiny_8_p4_hybrid}
          decode_head: {decoder_params: {embed_dim: 8}}
        dataset:
          segment: {root_dir: FOLDER/data, img_size: 32, batch_size: 2}
        train: {num_epochs: 2}
        evaluate: {checkpoint: FOLDER/results/train/LATEST}
        inference: {checkpoint: FOLDER/results/train/LATEST}
        export:
          checkpoint: FOLDER/results/train/LATEST
          onnx_file: FOLDER/model.onnx
          input_width: 64
          input_height: 32
        """
            .replace("FOLDER", folder.toString())
            .replace("LATEST", LATEST));
    train = task("train");
    trainStatus = Files.readAllLines(folder.resolve("results/train/status.json"));
    resume = task("train", "train.num_epochs=3");
    evaluate = task("evaluate");
    inference = task("inference");
    export = task("export");
  }

  private static CommandRun task(String name, String... overrides) {
    List<String> args =
        new ArrayList<>(List.of(name, "-e", folder.resolve("spec.yaml").toString()));
    args.addAll(List.of(overrides));
    return CommandRun.of(args.toArray(String[]::new));
  }

  /** Returns the lines of a status file as {@code STATUS message}. */
  private static List<String> messages(List<String> lines) {
    return lines.stream()
        .map(
            line -> {
              Matcher field = FIELD.matcher(line);
              StringBuilder text = new StringBuilder();
              while (field.find()) {
                text.append(text.isEmpty() ? "" : " ").append(field.group(2));
              }
              return text.toString();
            })
        .toList();
  }

  @Test
  void everyCommandPasses() {
    assertThat(generate.code()).as(generate.err()).isZero();
    for (CommandRun run : List.of(train, resume, evaluate, inference, export)) {
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.lastLine()).isEqualTo("Execution status: PASS");
      assertThat(run.out()).doesNotContain("do-not-print");
    }
  }

  @Test
  void trainingWritesTheDocumentedFiles() throws IOException {
    assertThat(CommandRun.files(folder.resolve("results/train")))
        .containsExactly(
            LATEST,
            "experiment.yaml",
            "metrics.csv",
            "model_epoch_000.pth",
            "model_epoch_001.pth",
            "model_epoch_002.pth",
            "report-history.jsonl",
            "report.html",
            "status.json");
    assertThat(Files.readSymbolicLink(folder.resolve("results/train").resolve(LATEST)))
        .hasToString("model_epoch_002.pth");
  }

  @Test
  void trainingTellsWhereItIs() {
    assertThat(train.out())
        .contains("Train results will be saved at: " + folder.resolve("results/train"))
        .contains("Seed set to 1234", "Number of output classes: 2")
        .containsPattern("Epoch 1: 100% .*train_loss=.*val_loss=.*val_acc=.*val_miou=.*val_mf1=");
  }

  @Test
  void trainingWritesTheDocumentedStatusLines() {
    assertThat(messages(trainStatus))
        .containsExactly(
            "STARTED Starting Visual ChangeNet train.",
            "STARTED Starting Training Loop.",
            "RUNNING Eval metrics generated.",
            "RUNNING Training loop in progress",
            "RUNNING Train metrics generated.",
            "RUNNING Eval metrics generated.",
            "RUNNING Training loop in progress",
            "RUNNING Train metrics generated.",
            "RUNNING Training loop complete.",
            "RUNNING Train finished successfully.");
    assertThat(trainStatus.get(2))
        .containsPattern("\"kpi\": \\{\"val_loss\": .*\"val_acc\": .*\"val_mrecall\": [0-9.]+}}$");
    assertThat(trainStatus.get(3))
        .startsWith("{\"epoch\": 0, \"step\": 3, \"max_epoch\": 1, \"max_step\": 6, ")
        .contains("\"time_per_epoch\": \"0:0", "\"eta\": \"0:0", "\"kpi\": {\"val_loss\"");
    assertThat(trainStatus.get(9)).contains("\"kpi\": {\"train_loss\": ");
  }

  @Test
  void aSecondTrainingResumesAndSaysSo() throws IOException {
    String line =
        "Resuming training from checkpoint: " + folder.resolve("results/train/model_epoch_001.pth");
    assertThat(resume.out()).contains(line, "Epoch 2: 100%").doesNotContain("Epoch 1:");
    List<String> all = Files.readAllLines(folder.resolve("results/train/status.json"));
    assertThat(messages(all.subList(trainStatus.size(), all.size())))
        .startsWith("STARTED Starting Visual ChangeNet train.", "RUNNING " + line)
        .endsWith("RUNNING Train finished successfully.");
  }

  @Test
  void evaluationWritesScoresAndPictures() throws IOException {
    Path dir = folder.resolve("results/evaluate");
    assertThat(CommandRun.files(dir))
        .containsExactly(
            "combined_visualisation/scene_00008.png.jpg",
            "combined_visualisation/scene_00009.png.jpg",
            "combined_visualisation/scene_00010.png.jpg",
            "experiment.yaml",
            "metrics.json",
            "report.html",
            "scene_00008.png.jpg",
            "scene_00009.png.jpg",
            "scene_00010.png.jpg",
            "status.json");
    assertThat(messages(Files.readAllLines(dir.resolve("status.json"))))
        .containsExactly(
            "STARTED Starting Visual ChangeNet evaluate.",
            "RUNNING Loading checkpoint: " + folder.resolve("results/train").resolve(LATEST),
            "RUNNING Test metrics generated.",
            "RUNNING Evaluate finished successfully.");
    assertThat(evaluate.out()).containsPattern("(?s)F1_0 .*acc .*iou_1 .*miou .*recall_1 ");
  }

  @Test
  void inferenceWritesPictures() throws IOException {
    Path dir = folder.resolve("results/inference");
    assertThat(CommandRun.files(dir))
        .hasSize(8)
        .contains("combined_visualisation/scene_00008.png.jpg", "scene_00010.png.jpg");
    assertThat(dir.resolve("status.json"))
        .content()
        .contains("Inference finished successfully.")
        .doesNotContain("kpi");
    assertThat(inference.out()).contains("pictures are in " + dir);
  }

  @Test
  void exportWritesTheModelOnce() throws IOException {
    Path onnx = folder.resolve("model.onnx");
    assertThat(export.out()).contains("ONNX file stored at " + onnx);
    long size = Files.size(onnx);
    assertThat(size).isGreaterThan(1_000_000);

    CommandRun again = task("export");

    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err()).contains("already exists");
    assertThat(onnx).hasSize(size);
  }

  @Test
  void theKeyIsWrittenNowhere() throws IOException {
    for (String task : List.of("train", "evaluate")) {
      assertThat(folder.resolve("results/" + task + "/report.html"))
          .content()
          .contains("encryption_key")
          .doesNotContain("do-not-print");
    }
    assertThat(folder.resolve("results/train/experiment.yaml"))
        .content()
        .contains("encryption_key: '*****'")
        .doesNotContain("do-not-print");
  }
}
