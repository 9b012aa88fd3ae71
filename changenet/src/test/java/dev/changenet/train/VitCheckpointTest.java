package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Optimizer;
import dev.changenet.nn.optim.Sgd;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.LongTests;
import dev.changenet.testing.ReferenceData;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints of the ViT backbones: back to the bit, and what the manifest says in PyTorch. */
class VitCheckpointTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");

  @TempDir Path folder;

  @AfterEach
  void forgetPooledArrays() {
    HeapStorage.trimPool();
  }

  private static ChangeNet network(JsonNode manifest) {
    JsonNode made = manifest.get("constructor");
    return new ChangeNet(
        Device.CPU,
        new ChangeNet.Config(
            manifest.get("backbone").asText(),
            0.3,
            made.get("embed_dim").asInt(),
            made.get("num_classes").asInt(),
            List.of(4, 8, 16, 32),
            List.of(0, 1, 2, 3),
            false,
            made.get("img_size").asInt(),
            made.get("use_summary_token").asBoolean(),
            false));
  }

  /** A digest of the bits of each tensor. */
  private static Map<String, Integer> bits(ChangeNet net) {
    Map<String, Integer> digests = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
      Tensor t = e.getValue();
      int digest = 1;
      if (t.dtype() == DType.INT64) {
        digest = Arrays.hashCode(t.longs());
      } else {
        for (float v : t.floats()) {
          digest = 31 * digest + Float.floatToRawIntBits(v);
        }
      }
      digests.put(e.getKey(), digest);
    }
    return digests;
  }

  /**
   * @param gib heap that the weights and what the test keeps need
   * @param takesLong whether it runs on request only
   */
  @ParameterizedTest
  @CsvSource({
    "c_radio_v2_vit_base_patch16_224, 2, false",
    "c_radio_v2_vit_base_patch16_224.summary, 2, false",
    "vit_large_nvdinov2, 3, false",
    "c_radio_v2_vit_large_patch16_224, 3, false",
    "c_radio_v2_vit_huge_patch16_224, 5, true",
  })
  void comesBackToTheBitAndLoadsInPyTorch(String name, int gib, boolean takesLong)
      throws Exception {
    Path manifest = ReferenceData.golden("manifests/" + name + ".manifest.json");
    long heap = Runtime.getRuntime().maxMemory() >> 30;
    assumeTrue(heap >= gib, name + " needs a heap of " + gib + " GiB, this one has " + heap);
    if (takesLong) {
      LongTests.requireAsked();
    }
    JsonNode json = new ObjectMapper().readTree(manifest.toFile());
    Path file;
    Map<String, Integer> written;
    try (ChangeNet net = network(json);
        Optimizer optimizer = new Sgd(net.parameters(), 0.25, 0.9, 0)) {
      net.initialize(1);
      net.stateDict().get("decoder.linear_fuse.1.num_batches_tracked").set(0, 1L << 40);
      written = bits(net);
      Checkpoint.Progress progress = new Checkpoint.Progress(0, 3, 0, 0, 0.25, 0);
      file = Checkpoint.save(folder, "model.pth", net, optimizer, progress);
    }
    HeapStorage.trimPool();
    try (ChangeNet net = network(json)) {
      Checkpoint.loadModel(Checkpoint.open(file), file, net);
      assertThat(bits(net)).isEqualTo(written);
    }
    compareInPyTorch(file, manifest);
  }

  private void compareInPyTorch(Path file, Path manifest) throws Exception {
    assumeTrue(
        Files.isExecutable(Path.of(PYTHON)) && python("-c", "import torch").startsWith("exit 0"),
        "came back to the bit, but there is no PyTorch for " + PYTHON);
    Path script = folder.resolve("compare_with_manifest.py");
    try (InputStream in = getClass().getResourceAsStream("/train/compare_with_manifest.py")) {
      Files.copy(in, script);
    }
    assertThat(python(script.toString(), file.toString(), manifest.toString()))
        .startsWith("exit 0\nOK ");
  }

  private String python(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(PYTHON));
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("finished in time").isTrue();
    return "exit " + process.exitValue() + "\n" + Files.readString(output);
  }
}
