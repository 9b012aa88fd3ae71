package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.GoldenFormula;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(OneThread.class)
class PretrainedWeightsTest {
  private static final List<String> LOADED =
      List.of(
          "patch_embed.backbone.stem.0.weight",
          "patch_embed.backbone.stem.0.bias",
          "cls_token",
          "blocks.0.mlp.temperature");

  @TempDir Path folder;

  private ExperimentSpec spec(Path file) throws IOException {
    Path results = Files.createDirectories(folder.resolve("results"));
    return TrainFixture.spec(
        Task.TRAIN,
        TrainFixture.data(folder.resolve("data"), 2),
        results,
        "model.backbone.pretrained_backbone_path=" + file);
  }

  private static ChangeNet network() {
    ChangeNet net = new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2));
    net.initialize(3);
    return net;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "prefix_plain.pth",
        "prefix_backbone.pth",
        "prefix_model_backbone.pth",
        "prefix_module.pth",
        "prefix_model.pth",
        "tao_classification.pth",
        "backbone.safetensors"
      })
  void everyKindOfFileFillsWhatItNames(String name) throws IOException {
    Path file = ReferenceData.golden("checkpoints/" + name);
    CapturingReporter reporter = new CapturingReporter();
    try (ChangeNet net = network();
        ChangeNet before = network()) {
      PretrainedWeights.load(spec(file), net, reporter);
      for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
        if (e.getKey().endsWith("num_batches_tracked")) {
          continue;
        }
        float[] values = e.getValue().toFloatArray();
        String key = e.getKey().replaceFirst("^backbone\\.", "");
        float[] expected =
            LOADED.contains(key)
                ? GoldenFormula.entry("", e.getKey(), e.getValue().shape().toArray())
                : before.stateDict().get(e.getKey()).toFloatArray();
        assertThat(Arrays.equals(values, expected)).as(e.getKey()).isTrue();
      }
      int others = net.backbone().stateDict().size() - LOADED.size();
      Path report = folder.resolve("results").resolve(PretrainedWeights.REPORT);
      assertThat(reporter.lines)
          .singleElement()
          .asString()
          .startsWith("Loaded backbone weights from " + file + ": matched 4, missing " + others)
          .endsWith(" more), unexpected 0, reshaped 0; all names in " + report);
      assertThat(Files.readAllLines(report))
          .hasSize(1 + 4 + others)
          .contains("matched cls_token", "missing cls_attn_blocks.0.norm1.weight");
    }
  }

  @Test
  void aFileThatFitsNothingOrHasAnotherShapeIsNamed() throws IOException {
    Path other = folder.resolve("other.pth");
    PthWriter.write(other, Map.of("w", StoredTensor.floatScalar(1)));
    Path shaped = folder.resolve("shaped.pth");
    PthWriter.write(
        shaped, Map.of("cls_token", StoredTensor.ofFloats(new int[] {1, 1, 3}, new float[3])));
    try (ChangeNet net = network()) {
      assertThatThrownBy(() -> PretrainedWeights.load(spec(other), net, Reporter.SILENT))
          .isInstanceOf(ChangeNetException.class)
          .hasMessageContaining("no tensor name matches the backbone fan_tiny_8_p4_hybrid");
      assertThatThrownBy(() -> PretrainedWeights.load(spec(shaped), net, Reporter.SILENT))
          .hasMessage(
              shaped
                  + ": tensor cls_token has shape [1, 1, 3], the backbone of the spec has"
                  + " [1, 1, 192]; check model.backbone.type");
    }
  }
}
