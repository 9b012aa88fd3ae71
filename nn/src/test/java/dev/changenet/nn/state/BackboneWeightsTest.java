package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.nn.state.BackboneWeights.Family;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackboneWeightsTest {
  private static final String CORE = "radio.radio.radio.model.";

  private static final String ADAPTER =
      "(level_embed|spm|interactions|up|norm[1-4]|fc_summary|conv[1-4])\\b.*";

  /** A tensor of any shape over one element. */
  private static StoredTensor any(int... shape) {
    Storage one = StoredTensor.floatScalar(1).storage();
    return new StoredTensor(one, shape, new long[shape.length], 0);
  }

  private static WeightsFile file(Map<String, ?> table) {
    return new WeightsFile(Path.of("some.pth"), table);
  }

  private static void assertClose(StoredTensor actual, StoredTensor expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double[] a = actual.toDoubles();
    double[] e = expected.toDoubles();
    double largest = Arrays.stream(e).map(Math::abs).max().orElseThrow();
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      worst = Math.max(worst, Math.abs(a[i] - e[i]));
    }
    assertThat(worst).isLessThan(2e-6 * largest);
  }

  private static Map<String, int[]> vit(int... positions) {
    Map<String, int[]> targets = new LinkedHashMap<>();
    targets.put("cls_token", new int[] {1, 1, 3});
    targets.put("pos_embed", positions);
    targets.put("level_embed", new int[] {3, 3});
    targets.put("patch_embed.proj.weight", new int[] {5, 3, 16, 16});
    targets.put("patch_embed.proj.bias", new int[] {5});
    targets.put("up.weight", new int[] {3, 3, 2, 2});
    targets.put("norm1.weight", new int[] {3});
    return targets;
  }

  @Test
  void resizesPatchesAndPositionsOfNvDinoAsPyTorchDoes() {
    WeightsFile file = WeightsFile.read(TestFiles.sample("resized_vit.pth"));
    BackboneWeights w = BackboneWeights.of(file, vit(1, 257, 3));
    assertThat(w.tensors()).containsOnlyKeys("cls_token", "pos_embed", "patch_embed.proj.weight");
    assertClose(w.tensors().get("pos_embed"), file.tensor("expected", "pos_embed"));
    assertClose(
        w.tensors().get("patch_embed.proj.weight"),
        file.tensor("expected", "patch_embed.proj.weight"));
    assertThat(w.missing()).containsExactly("patch_embed.proj.bias");
    assertThat(w.unexpected()).containsExactly("mask_token");
    assertThat(w.dropped()).isEmpty();
    assertThat(w.adapter()).isEqualTo(3);
    assertThat(w.reshaped())
        .containsExactly(
            "pos_embed [1, 1370, 3] to [1, 257, 3]",
            "patch_embed.proj.weight [5, 3, 14, 14] to [5, 3, 16, 16]");

    StoredTensor kernel = w.tensors().get("patch_embed.proj.weight");
    StoredTensor few = file.tensor("smaller");
    BackboneWeights up =
        BackboneWeights.of(
            file(Map.of("pos_embed", few, "patch_embed.proj.weight", kernel)), vit(1, 17, 3));
    assertClose(up.tensors().get("pos_embed"), file.tensor("expected", "smaller"));
    assertThat(up.tensors().get("patch_embed.proj.weight")).isSameAs(kernel);
  }

  @Test
  void resizesPatchesAndPositionsOfRadioAsPyTorchDoes() {
    WeightsFile file = WeightsFile.read(TestFiles.sample("resized_radio.pth"));
    Map<String, int[]> targets = new LinkedHashMap<>();
    targets.put("level_embed", new int[] {3, 4});
    targets.put(CORE + "blocks.0.ls1.gamma", new int[] {4});
    targets.put(CORE + "patch_generator.pos_embed", new int[] {1, 144, 3});
    targets.put(CORE + "patch_generator.embedder.weight", new int[] {4, 768});
    targets.put(CORE + "patch_generator.cls_token.token", new int[] {8, 4});
    BackboneWeights w = BackboneWeights.of(file, targets);
    for (String name : List.of("patch_generator.pos_embed", "patch_generator.embedder.weight")) {
      assertClose(w.tensors().get(CORE + name), file.tensor("expected", name));
    }
    assertThat(w.tensors()).hasSize(3).containsKey(CORE + "blocks.0.ls1.gamma");
    assertThat(w.missing()).containsExactly(CORE + "patch_generator.cls_token.token");
    assertThat(w.unexpected()).isEmpty();
    assertThat(w.reshaped()).hasSize(2);
    assertThat(w.dropped())
        .containsExactly(
            "radio_model.input_conditioner.norm_mean",
            "radio_model.input_conditioner.norm_std",
            "radio_model.summary_idxs");
    assertThat(w.adapter()).isEqualTo(1);
  }

  @Test
  void whatIsNeededOrDoesntFitIsNamed() {
    assertThatThrownBy(
            () -> BackboneWeights.of(file(Map.of("pos_embed", any(1, 257, 3))), vit(1, 257, 3)))
        .hasMessage(
            "some.pth: has no tensor patch_embed.proj.weight, which this backbone needs; check"
                + " model.backbone.type and pretrained_backbone_path");
    StoredTensor kernel = any(5, 3, 16, 16);
    for (int[] positions : new int[][] {{1, 12, 3}, {1, 1, 3}, {2, 10, 3}, {1, 10, 4}, {30}}) {
      // One row per cell, so that the tensor doesn't claim more than it has.
      int n = Arrays.stream(positions).reduce(1, (a, b) -> a * b);
      Map<String, StoredTensor> table =
          Map.of(
              "patch_embed.proj.weight",
              kernel,
              "pos_embed",
              StoredTensor.ofFloats(positions, new float[n]));
      assertThatThrownBy(() -> BackboneWeights.of(file(table), vit(1, 257, 3)))
          .hasMessage(
              "some.pth: tensor pos_embed has shape "
                  + Arrays.toString(positions)
                  + ", the backbone of the spec has [1, 257, 3]; check model.backbone.type");
    }
    // An expanded view claims more than the file holds: refused before anything is allocated.
    assertThatThrownBy(
            () ->
                BackboneWeights.of(
                    file(
                        Map.of(
                            "patch_embed.proj.weight",
                            kernel,
                            "pos_embed",
                            any(1, 1 + 26000 * 26000, 3))),
                    vit(1, 257, 3)))
        .hasMessageContaining("tensor pos_embed has shape [1, 676000001, 3]");
  }

  /** Shapes of a full-size backbone by name, without {@code backbone.}. */
  private static Map<String, int[]> manifest(String name) throws IOException {
    Path path = ReferenceData.golden("manifests/" + name + ".manifest.json");
    Map<String, int[]> shapes = new LinkedHashMap<>();
    for (JsonNode entry : new ObjectMapper().readTree(path.toFile()).get("state_dict")) {
      String full = entry.get("name").asText();
      if (full.startsWith("backbone.")) {
        int[] shape = new int[entry.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
          shape[i] = entry.get("shape").get(i).asInt();
        }
        shapes.put(full.substring("backbone.".length()), shape);
      }
    }
    return shapes;
  }

  @ParameterizedTest
  @CsvSource({
    "fan_small_12_p4_hybrid, PLAIN, '', module.",
    "vit_large_nvdinov2, VIT_ADAPTER, '', backbone.",
    "c_radio_v2_vit_base_patch16_224.summary, RADIO_ADAPTER, " + CORE + ", radio_model.model.",
    "c_radio_v2_vit_large_patch16_224, RADIO_ADAPTER, " + CORE + ", base_model.",
    "c_radio_v2_vit_huge_patch16_224, RADIO_ADAPTER, " + CORE + ", model.backbone." + CORE,
  })
  void publicNamesFillTheWholeCore(String backbone, Family family, String core, String prefix)
      throws IOException {
    Map<String, int[]> targets = manifest(backbone);
    assertThat(Family.of(targets.keySet())).isEqualTo(family);
    Map<String, StoredTensor> table = new LinkedHashMap<>();
    Map<String, StoredTensor> adapter = new LinkedHashMap<>();
    targets.forEach(
        (name, shape) -> {
          boolean fan = family == Family.PLAIN;
          if (fan || name.startsWith(core) && !name.matches(ADAPTER)) {
            table.put(prefix + name.substring(core.length()), any(shape));
          } else {
            adapter.put("model.backbone." + name, any(shape));
          }
        });
    int loaded = table.size();
    // A ChangeNet's backbone brings its adapter along; that of C-RADIO is never loaded.
    boolean whole = prefix.startsWith("model.");
    if (whole) {
      table.putAll(adapter);
    }
    BackboneWeights w = BackboneWeights.of(file(table), targets);
    assertThat(w.tensors()).hasSize(loaded);
    assertThat(w.missing()).isEmpty();
    assertThat(w.unexpected()).isEmpty();
    assertThat(w.reshaped()).isEmpty();
    assertThat(w.adapter()).isEqualTo(targets.size() - loaded);
    assertThat(w.dropped()).hasSize(whole ? adapter.size() : 0);
  }
}
