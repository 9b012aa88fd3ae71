package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReferenceSpecTest {
  @TempDir Path folder;

  private static Path spec(String name) {
    return ReferenceData.path("reference/specs/" + name);
  }

  private Path file(String name) throws IOException {
    return Files.writeString(folder.resolve(name), "x");
  }

  @Test
  void fanTrainingSpecLoads() {
    ExperimentSpec spec =
        ExperimentSpec.load(
            spec("train_levir_fan_small.yaml"),
            List.of("dataset.segment.root_dir=" + folder, "results_dir=/out"),
            Task.TRAIN,
            Map.of());

    assertThat(spec.train().numEpochs()).isEqualTo(10);
    assertThat(spec.train().validationInterval()).isEqualTo(5);
    assertThat(spec.train().optim().lr()).isEqualTo(1e-4);
    assertThat(spec.train().optim().betas()).containsExactly(0.9, 0.999);
    assertThat(spec.segmentData().rootDir()).isEqualTo(folder);
    assertThat(spec.segmentData().batchSize()).isEqualTo(16);
    assertThat(spec.model().backbone().type()).isEqualTo(BackboneType.FAN_SMALL_12_P4_HYBRID);
    assertThat(spec.encryptionKey()).contains("tlt_encode");
    assertThat(spec.resultsDir()).isEqualTo(Path.of("/out/train"));
    assertThat(spec.warnings())
        .allMatch(w -> w.startsWith("no usable GPU (") && w.endsWith("), running on the CPU"));
  }

  @Test
  void fanTrainingSpecServesTheOtherTasksToo() throws IOException {
    Path model = file("model.pth");
    String root = "dataset.segment.root_dir=" + folder;
    Path spec = spec("train_levir_fan_small.yaml");

    assertThat(
            ExperimentSpec.load(
                    spec, List.of(root, "evaluate.checkpoint=" + model), Task.EVALUATE, Map.of())
                .evaluate()
                .visAfterNBatches())
        .isEqualTo(10);
    assertThat(
            ExperimentSpec.load(
                    spec, List.of(root, "inference.checkpoint=" + model), Task.INFERENCE, Map.of())
                .inference()
                .checkpoint())
        .isEqualTo(model);
    assertThat(
            ExperimentSpec.load(
                    spec,
                    List.of("export.checkpoint=" + model, "export.onnx_file=/tmp/none/m.onnx"),
                    Task.EXPORT,
                    Map.of())
                .export()
                .inputWidth())
        .isEqualTo(256);
  }

  @Test
  void vitTrainingSpecLoads() {
    ExperimentSpec spec =
        ExperimentSpec.load(
            spec("train_levir_vit.yaml"),
            List.of("dataset.segment.root_dir=" + folder),
            Task.TRAIN,
            Map.of());

    assertThat(spec.model().backbone().type()).isEqualTo(BackboneType.VIT_LARGE_NVDINOV2);
    assertThat(spec.model().decodeHead().featureStrides()).containsExactly(4, 8, 16, 32);
  }

  @Test
  void testSpecLoadsForEvaluateAndInference() throws IOException {
    Path model = file("model.tlt");
    List<String> overrides =
        List.of(
            "dataset.segment.root_dir=" + folder,
            "evaluate.checkpoint=" + model,
            "inference.checkpoint=" + model);
    Path file = spec("test_levir.yaml");

    ExperimentSpec evaluate = ExperimentSpec.load(file, overrides, Task.EVALUATE, Map.of());
    ExperimentSpec inference = ExperimentSpec.load(file, overrides, Task.INFERENCE, Map.of());

    assertThat(evaluate.resultsDir()).isEqualTo(Path.of("/results/evaluate"));
    assertThat(evaluate.evaluate().checkpoint()).isEqualTo(model);
    assertThat(inference.resultsDir()).isEqualTo(Path.of("/results/inference"));
    assertThat(inference.segmentData().predictSplit()).isEqualTo("predict");
  }

  @Test
  void exportSpecLoads() throws IOException {
    ExperimentSpec spec =
        ExperimentSpec.load(
            spec("export.yaml"),
            List.of(
                "export.checkpoint=" + file("model.pth"),
                "export.onnx_file=" + folder.resolve("model.onnx")),
            Task.EXPORT,
            Map.of());

    assertThat(spec.export().opsetVersion()).isEqualTo(12);
    assertThat(spec.export().batchSize()).isEqualTo(-1);
    assertThat(spec.export().onnxFile()).isEqualTo(folder.resolve("model.onnx"));
    assertThat(spec.segmentData().imgSize()).isEqualTo(256);
  }
}
