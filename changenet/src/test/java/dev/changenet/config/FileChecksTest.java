package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileChecksTest {
  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void writeModel() throws IOException {
    model = Files.writeString(folder.resolve("model.pth"), "x");
  }

  private static SpecException failure(Task task, String... overrides) {
    return SpecAssertions.failure(new SpecLoader(task), task, "", overrides);
  }

  @Test
  void dataFolderMustExist() {
    SpecException e = failure(Task.TRAIN, "dataset.segment.root_dir=/no/such/folder");

    assertThat(e.errorClass()).isEqualTo(ErrorClass.UNUSABLE);
    assertThat(e.statusMessage())
        .isEqualTo(
            "File system error: override 'dataset.segment.root_dir=/no/such/folder':"
                + " dataset.segment.root_dir: the folder '/no/such/folder' does not exist");
    assertThat(failure(Task.TRAIN, "dataset.segment.root_dir=''").key())
        .isEqualTo("dataset.segment.root_dir");
  }

  @Test
  void aFileIsNoFolderAndAFolderNoFile() throws IOException {
    assertThat(failure(Task.TRAIN, "dataset.segment.root_dir=" + model).getMessage())
        .endsWith("'" + model + "' is a file; expected the folder of the data");
    String root = "dataset.segment.root_dir=" + folder;
    String weights = Files.createDirectory(folder.resolve("weights.pth")).toString();
    assertThat(failure(Task.EVALUATE, root, "evaluate.checkpoint=" + weights).getMessage())
        .endsWith("evaluate.checkpoint: '" + weights + "' is a folder; name a file in it");
  }

  @Test
  void namedCheckpointsMustExist() {
    String root = "dataset.segment.root_dir=" + folder;
    assertThat(failure(Task.TRAIN, root, "train.resume_training_checkpoint_path=/no.pth").key())
        .isEqualTo("train.resume_training_checkpoint_path");
    assertThat(failure(Task.TRAIN, root, "train.pretrained_model_path=/no.pth").key())
        .isEqualTo("train.pretrained_model_path");
    assertThat(failure(Task.TRAIN, root, "model.backbone.pretrained_backbone_path=/no.pth").key())
        .isEqualTo("model.backbone.pretrained_backbone_path");
    assertThat(failure(Task.EVALUATE, root, "evaluate.checkpoint=/no.pth").getMessage())
        .endsWith("evaluate.checkpoint: the file '/no.pth' does not exist");
    assertThat(failure(Task.INFERENCE, root, "inference.checkpoint=" + folder + "/x.tlt").key())
        .isEqualTo("inference.checkpoint");
    assertThat(failure(Task.EXPORT, "export.checkpoint=/no.pth").key())
        .isEqualTo("export.checkpoint");
  }

  @Test
  void theSpecThatARunLeftIsTakenInItsFolder() throws IOException {
    Path run = Files.createDirectories(folder.resolve("run/train"));
    Path spec =
        Files.writeString(
            run.resolve("experiment.yaml"),
            "results_dir: RUN\ndataset: {segment: {root_dir: RUN}}\n".replace("RUN", "" + run)
                + "evaluate: {checkpoint: '${results_dir}/train/model.pth'}\n");
    Files.createFile(run.resolve("model.pth"));

    assertThatThrownBy(() -> ExperimentSpec.load(spec, List.of(), Task.EVALUATE, Map.of()))
        .hasMessageContaining("train/train/model.pth' does not exist")
        .hasMessageContaining("add results_dir=" + folder.resolve("run"));
    List<String> other = List.of("results_dir=" + folder.resolve("results"));
    assertThatThrownBy(() -> ExperimentSpec.load(spec, other, Task.EVALUATE, Map.of()))
        .hasMessageEndingWith("results/train/model.pth' does not exist");
    List<String> remedy = List.of("results_dir=" + folder.resolve("run"));
    assertThat(ExperimentSpec.load(spec, remedy, Task.EVALUATE, Map.of()).evaluate().checkpoint())
        .isEqualTo(run.resolve("model.pth"));
  }

  @Test
  void exportNeverOverwrites() throws IOException {
    Path onnx = Files.writeString(folder.resolve("m.onnx"), "x");
    String checkpoint = "export.checkpoint=" + model;

    assertThat(failure(Task.EXPORT, checkpoint, "export.onnx_file=" + onnx).getMessage())
        .endsWith(
            "export.onnx_file: the file '"
                + onnx
                + "' already exists; remove it or choose another name");
    assertThat(
            failure(
                    Task.EXPORT,
                    checkpoint,
                    "encryption_key=k",
                    "export.onnx_file=" + folder.resolve("m.etlt"))
                .getMessage())
        .contains("the file '" + onnx + "' already exists");
  }

  @Test
  void theFileOfAThresholdMustBeThere() {
    String[] names = {"export.checkpoint=" + model, "export.onnx_file=" + folder.resolve("m.onnx")};

    assertThat(failure(Task.EXPORT, names[0], names[1], "export.threshold=no/such").getMessage())
        .endsWith(
            "export.threshold: no such file: no/such; expected a number between 0 and 1, or a"
                + " metrics.json of evaluate");
    assertThat(failure(Task.EXPORT, names[0], names[1], "export.threshold=" + folder).getMessage())
        .contains("export.threshold: the folder " + folder + " holds no metrics.json");
  }

  @Test
  void existingFilesPass() {
    ExperimentSpec spec =
        SpecAssertions.load(
            new SpecLoader(Task.TRAIN),
            Task.TRAIN,
            "",
            "dataset.segment.root_dir=" + folder,
            "train.resume_training_checkpoint_path=" + model);

    assertThat(spec.train().resumeTrainingCheckpointPath()).contains(model);
  }

  @Test
  void textThatIsNoPathIsRefused() {
    SpecException e =
        SpecAssertions.failure(
            Task.TRAIN,
            "dataset: {segment: {root_dir: \"a\\0b\"}}",
            "dataset.segment.root_dir='a\0b'");

    assertThat(e.getMessage()).contains("dataset.segment.root_dir: not a path on this system");
  }
}
