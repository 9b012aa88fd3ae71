package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names, order, shapes and types of the state dictionary of every ViT backbone. */
class ManifestTest {
  @AfterEach
  void forgetPooledArrays() {
    HeapStorage.trimPool();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "vit_large_nvdinov2",
        "c_radio_v2_vit_base_patch16_224",
        "c_radio_v2_vit_base_patch16_224.summary",
        "c_radio_v2_vit_large_patch16_224",
        "c_radio_v2_vit_huge_patch16_224",
      })
  void stateDictEqualsTheManifest(String name) throws IOException {
    JsonNode manifest =
        new ObjectMapper()
            .readTree(ReferenceData.golden("manifests/" + name + ".manifest.json").toFile());
    JsonNode made = manifest.get("constructor");
    ChangeNet.Config config =
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
            false);
    List<String> expected = new ArrayList<>();
    for (JsonNode e : manifest.get("state_dict")) {
      expected.add(
          e.get("name").asText() + " " + e.get("shape").toString() + " " + e.get("dtype").asText());
    }
    List<String> ours = new ArrayList<>();
    try (ChangeNet net = new ChangeNet(Device.CPU, config)) {
      for (Map.Entry<String, Tensor> e : net.stateDict().entrySet()) {
        String shape = Arrays.toString(e.getValue().shape().toArray()).replace(" ", "");
        String type = e.getValue().dtype() == DType.INT64 ? "int64" : "float32";
        ours.add(e.getKey() + " " + shape + " " + type);
      }
    }
    assertThat(ours).containsExactlyElementsOf(expected);
  }
}
