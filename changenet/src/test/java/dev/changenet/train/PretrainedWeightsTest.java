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
      PretrainedWeights.open(spec(file), false).load(net, reporter);
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
    PretrainedWeights foreign = PretrainedWeights.open(spec(other), false);
    assertThatThrownBy(() -> foreign.check(PretrainedWeightsTest::network))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("no tensor name matches the backbone fan_tiny_8_p4_hybrid");
    PretrainedWeights misfit = PretrainedWeights.open(spec(shaped), false);
    assertThatThrownBy(() -> misfit.check(PretrainedWeightsTest::network))
        .hasMessage(
            shaped
                + ": tensor cls_token has shape [1, 1, 3], the backbone of the spec has"
                + " [1, 1, 192]; check model.backbone.type");
  }

  private static List<String> run(Path data, Path results, String... overrides) throws IOException {
    CapturingReporter reporter = new CapturingReporter();
    ExperimentSpec spec = TrainFixture.spec(Task.TRAIN, data, results, overrides);
    try {
      TaskRunner.run(spec, reporter, new Interruption());
    } catch (ChangeNetException e) {
      reporter.lines.add("FAILED " + e.getMessage());
    }
    return reporter.lines;
  }

  @Test
  void wrongFilesAreFoundBeforeDataAndNetworkCostTime() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path corrupt = Files.writeString(folder.resolve("corrupt.pth"), "no weights");
    Path small = folder.resolve("small.pth");
    PthWriter.write(small, Map.of("state_dict", Map.of("model.w", StoredTensor.floatScalar(1))));

    for (String given :
        List.of(
            "model.backbone.pretrained_backbone_path=" + corrupt,
            "train.pretrained_model_path=" + corrupt,
            "train.pretrained_model_path=" + small,
            "train.resume_training_checkpoint_path=" + corrupt)) {
      List<String> lines = run(data, folder.resolve("results"), given);
      assertThat(lines.getLast()).startsWith("FAILED " + folder).contains(".pth: ");
      assertThat(lines).as(given).noneMatch(line -> line.contains("Training pairs"));
    }
  }

  @Test
  void aWholeChangeNetIsNoBackboneButAModel() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path trained = TrainFixture.train(data, folder.resolve("first"), "train.num_epochs=1");
    Path model = trained.resolve("model_epoch_000.pth");

    assertThat(
            run(data, folder.resolve("b"), "model.backbone.pretrained_backbone_path=" + model)
                .getLast())
        .isEqualTo(
            "FAILED "
                + model
                + ": holds a whole ChangeNet, not the weights of a backbone alone; give it as"
                + " train.pretrained_model_path instead of model.backbone.pretrained_backbone_path");
    assertThat(
            run(
                data,
                folder.resolve("m"),
                "train.num_epochs=1",
                "train.pretrained_model_path=" + model))
        .contains("Loaded model weights from " + model);
  }

  @Test
  void aResumedTrainingLoadsNoPretrainedWeights() throws IOException {
    Path data = TrainFixture.data(folder.resolve("data"), 2);
    Path results = TrainFixture.train(data, folder.resolve("r"), "train.num_epochs=1");
    Path model = Files.copy(results.resolve("model_epoch_000.pth"), folder.resolve("start.pth"));

    List<String> lines = run(data, results, "train.pretrained_model_path=" + model);

    assertThat(lines)
        .anyMatch(line -> line.startsWith("Resuming training from checkpoint"))
        .noneMatch(line -> line.startsWith("Loaded model weights"));
  }
}
