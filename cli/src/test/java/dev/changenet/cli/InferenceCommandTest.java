package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Inference on pictures that stand on the command line, with and without a spec file. */
class InferenceCommandTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path checkpoint;
  private static Path before;
  private static Path after;

  @BeforeAll
  static void train() throws IOException {
    CommandRun.of(
        ("generate " + shared.resolve("data") + " --train 2 --val 1 --test 1 --size 48")
            .split(" "));
    Files.writeString(
        shared.resolve("spec.yaml"),
        """
        results_dir: FOLDER/results
        model:
          backbone: {type: fan_tiny_8_p4_hybrid}
          decode_head: {decoder_params: {embed_dim: 8}}
        dataset:
          segment: {root_dir: FOLDER/data, img_size: 32, batch_size: 2, workers: 0}
        train: {num_epochs: 1}
        """
            .replace("FOLDER", shared.toString()));
    CommandRun run = CommandRun.of("train", "-e", shared.resolve("spec.yaml").toString());
    assertThat(run.code()).as(run.err()).isZero();
    checkpoint = shared.resolve("results/train/changenet_model_segment_latest.pth");
    before = shared.resolve("data/A/scene_00003.png");
    after = shared.resolve("data/B/scene_00003.png");
  }

  @Test
  void whatGenerateSaysCanBePasted() {
    String data = folder.resolve("my data").toString();
    CommandRun run = CommandRun.of("generate", data, "--train", "1", "--val", "1", "--test", "1");

    assertThat(run.lastLine()).contains("Use it with: 'dataset.segment.root_dir=" + data + "' ");
  }

  @Test
  void theSpecIsFoundBesideTheCheckpoint() throws IOException {
    CommandRun run =
        CommandRun.of(
            "inference",
            "inference.checkpoint=" + checkpoint,
            before.toString(),
            after.toString(),
            "inference.output_size=original");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.err())
        .contains("Spec of the training: " + shared.resolve("results/train/experiment.yaml"));
    assertThat(run.lastLine()).isEqualTo("Execution status: PASS");
    assertThat(CommandRun.files(shared.resolve("results/inference")))
        .containsExactly(
            "combined_visualisation/scene_00003.png.jpg",
            "experiment.yaml",
            "mask/scene_00003.png",
            "scene_00003.png.jpg",
            "status.json");
  }

  @Test
  void theUsersSettingsWin() throws IOException {
    CommandRun run =
        CommandRun.of(
            "inference",
            "inference.checkpoint='" + checkpoint + "'",
            "results_dir=" + folder,
            "inference.image_a=" + before.getParent(),
            "inference.image_b=" + after.getParent(),
            "inference.masks=false",
            "inference.probabilities=change");

    assertThat(run.code()).as(run.err()).isZero();
    assertThat(CommandRun.files(folder.resolve("inference/probability"))).hasSize(4);
    assertThat(folder.resolve("inference/mask")).doesNotExist();
  }

  @Test
  void aCheckpointAloneNeedsASpec() throws IOException {
    Path alone = Files.copy(checkpoint, folder.resolve("alone.pth"));

    CommandRun run =
        CommandRun.of(
            "inference", "inference.checkpoint=" + alone, before.toString(), after.toString());

    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertOnlyError(
        run,
        "inference.checkpoint: there is no experiment.yaml beside '"
            + alone
            + "'; give the spec with -e");
    assertThat(CommandRun.files(folder)).containsExactly("alone.pth");
  }

  private static void assertOnlyError(CommandRun run, String text) {
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat((run.out() + run.err()).lines().filter(line -> line.startsWith("ERROR")))
        .containsExactly("ERROR: " + text);
  }

  @Test
  void theTrueCauseOfAMissingSpecIsNamed() {
    String a = "inference.image_a=" + before;
    String b = "inference.image_b=" + after;
    assertOnlyError(
        CommandRun.of("inference", "inference.checkpoint=/no/m.pth", a, b),
        "inference.checkpoint: the file '/no/m.pth' does not exist");
    assertOnlyError(
        CommandRun.of("inference", "inference.checkpoint=" + checkpoint.getParent(), a, b),
        "inference.checkpoint: '" + checkpoint.getParent() + "' is a folder; name a file in it");
    String needed =
        "inference.checkpoint is needed: the trained network (.pth); its experiment.yaml is the"
            + " spec unless -e names one";
    assertOnlyError(CommandRun.of("inference", a, b), needed);
    assertOnlyError(CommandRun.of("inference", before.toString(), after.toString()), needed);
  }

  @Test
  void wordsThatArePicturesGetAdvice() {
    String network = "inference.checkpoint=" + checkpoint;
    assertOnlyError(
        CommandRun.of("inference", network, "inference.image_a=" + before, "a.jpg"),
        "override 'a.jpg': expected key=value; name the second picture with"
            + " inference.image_b=a.jpg");
    assertOnlyError(
        CommandRun.of("inference", network, "inference.image_b=" + before, "a"),
        "override 'a': expected key=value; name the first picture with inference.image_a=a");
    assertOnlyError(
        CommandRun.of("inference", network, "a.png", "b.png", "c.png"),
        "override 'a.png': expected key=value; give two pictures or two folders, got 3");
  }

  @Test
  void picturesThatDoNotExistAreNamed() {
    for (String named : new String[] {"", "inference.image_a="}) {
      assertOnlyError(
          CommandRun.of(
              "inference",
              "inference.checkpoint=" + checkpoint,
              "results_dir=" + folder,
              named + before.getParent(),
              named.replace("_a", "_b") + "nofolder"),
          "override 'inference.image_b="
              + (named.isEmpty() ? "'nofolder'" : "nofolder")
              + "': inference.image_b: no such picture or folder: nofolder");
    }
  }

  @Test
  void onePictureIsNoPair() throws IOException {
    CommandRun run =
        CommandRun.of(
            "inference",
            "-e",
            shared.resolve("spec.yaml").toString(),
            "inference.checkpoint=" + checkpoint,
            "results_dir=" + folder,
            before.toString());

    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertOnlyError(
        run,
        "override '"
            + before
            + "': expected key=value; a pair needs two pictures or two folders: PICTURE_A"
            + " PICTURE_B");
    assertThat(CommandRun.files(folder)).isEmpty();
  }

  @Test
  void otherTasksTakeNoPictures() throws IOException {
    CommandRun run =
        CommandRun.of(
            "evaluate",
            "-e",
            shared.resolve("spec.yaml").toString(),
            "results_dir=" + folder,
            before.toString(),
            after.toString());

    assertThat(run.err()).contains("override '" + before + "': expected key=value");
    assertThat(CommandRun.files(folder)).isEmpty();
  }
}
