package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackboneKeysTest {
  private static final Path PATH = Path.of("some.pth");
  private static final StoredTensor ONE = StoredTensor.floatScalar(1);
  private static final StoredTensor TWO = StoredTensor.floatScalar(2);

  private static WeightsFile file(Object root) {
    return new WeightsFile(PATH, root);
  }

  @ParameterizedTest
  @CsvSource({
    "module.backbone.x, backbone.x",
    "student.module.x, module.x",
    "backbone.module_list.x, module_list.x",
    "module, module",
    "backbone.x, x",
    "backbone.backbone.x, backbone.x",
    "model.model.backbone.x, x",
    "model.model.x, model.x",
    "model.backbone.x, x",
    "model.backbone.backbone.x, backbone.x",
    "model.encoder.x, x",
    "model.decoder.x, x",
    "model.x, x",
    "model.ema_x, ema_x",
    "ema_x, ",
    "ema_backbone_cls_token, ",
    "patch_embed.proj.weight, patch_embed.proj.weight",
    "encoder.x, encoder.x",
    "modelx, modelx",
    "a.model.x, a.model.x",
  })
  void oneRuleRenamesEachName(String name, String expected) {
    assertThat(BackboneKeys.rename(name).orElse(null)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "radio_model.model.blocks.0.x, blocks.0.x",
    "base_model.blocks.0.x, blocks.0.x",
    "radio_model.model.base_model.x, x",
    "base_model.radio.radio.model.x, x",
    "base_model.radio_model.model.x, radio_model.model.x",
    "radio.radio.model.patch_generator.pos_embed, patch_generator.pos_embed",
    "radio.radio.radio.model.blocks.3.x, blocks.3.x",
    "blocks.0.ls1.grandma, blocks.0.ls1.gamma",
    "grandma.grandma, gamma.grandma",
    "blocks.0.x, blocks.0.x",
  })
  void radioNamesBecomeNamesOfTheCore(String name, String expected) {
    assertThat(BackboneKeys.renameRadio(name)).isEqualTo(expected);
  }

  @Test
  void looksInStateDictThenModelThenAtTheTop() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("top", ONE);
    root.put("epoch", 3L);
    assertThat(BackboneKeys.rename(file(root))).containsOnlyKeys("top");
    root.put("model", Map.of("model.inner", ONE));
    assertThat(BackboneKeys.rename(file(root))).containsOnlyKeys("inner");
    root.put("state_dict", Map.of("backbone.innermost", ONE));
    assertThat(BackboneKeys.rename(file(root))).containsOnlyKeys("innermost");
  }

  @Test
  void theLaterOfTwoNamesThatBecomeOneWins() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("backbone.x", ONE);
    root.put("x", TWO);
    assertThat(BackboneKeys.rename(file(root)).get("x").item()).isEqualTo(2);
    assertThat(BackboneKeys.renameRadio(Map.of("base_model.x", ONE))).containsOnlyKeys("x");
  }

  @Test
  void classificationWeightsOnlyLoseModel() {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("tao_model", "classification");
    root.put("state_dict", Map.of("model.model.x", ONE, "backbone.y", ONE, "ema_z", ONE));
    assertThat(BackboneKeys.rename(file(root))).containsOnlyKeys("model.x", "backbone.y", "ema_z");
    root.put("tao_model_type", "radio");
    assertThatThrownBy(() -> BackboneKeys.rename(file(root)))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "some.pth: can't serve as backbone weights: its tao_model is the text 'classification'"
                + " with a tao_model_type, expected 'classification' without one");
  }

  @Test
  void refusesOtherCheckpoints() {
    assertThatThrownBy(
            () ->
                BackboneKeys.rename(
                    file(Map.of("tao_model", "visual_changenet_segment", "state_dict", Map.of()))))
        .hasMessageContaining("its tao_model is the text 'visual_changenet_segment', expected");
    assertThatThrownBy(() -> BackboneKeys.rename(file(Map.of("state_dict_encrypted", new byte[3]))))
        .hasMessageContaining("encrypted");
    assertThatThrownBy(() -> BackboneKeys.rename(file(Map.of("model", "no dictionary"))))
        .hasMessage("some.pth: entry 'model' is the text 'no dictionary', expected a dictionary");
    assertThatThrownBy(() -> BackboneKeys.rename(file(Map.of("state_dict", Map.of()))))
        .hasMessageContaining("holds no backbone weights");
  }
}
