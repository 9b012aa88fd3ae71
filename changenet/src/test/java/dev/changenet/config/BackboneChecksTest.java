package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Rules for encoders whose support comes later. */
class BackboneChecksTest {
  private static final String VIT = "model: {backbone: {type: vit_large_nvdinov2}}";

  private static SpecLoader loader(Task task) {
    return SpecAssertions.loader(task).supportedBackbones(type -> true);
  }

  @Test
  void vitNeedsItsStridesSpelledOut() {
    assertThat(SpecAssertions.failure(loader(Task.TRAIN), Task.TRAIN, VIT).getMessage())
        .isEqualTo(
            "spec.yaml: model.decode_head.feature_strides: vit_large_nvdinov2 needs [4, 8, 16, 32],"
                + " got [4, 8, 16, 16]");
  }

  @Test
  void vitImagesAreMultiplesOf32() {
    assertThat(
            SpecAssertions.failure(
                    loader(Task.TRAIN),
                    Task.TRAIN,
                    VIT,
                    "model.decode_head.feature_strides=[2,4,8,16]",
                    "dataset.segment.img_size=48")
                .getMessage())
        .endsWith(
            "dataset.segment.img_size: must be a multiple of 32 for vit_large_nvdinov2, got 48");
  }

  @Test
  void vitExportHasTheSizeOfTheModel() {
    String strides = "model.decode_head.feature_strides=[4,8,16,32]";
    assertThat(
            SpecAssertions.failure(
                    loader(Task.EXPORT), Task.EXPORT, VIT, strides, "export.input_width=512")
                .getMessage())
        .endsWith(
            "export.input_width: must equal dataset.segment.img_size (256) for vit_large_nvdinov2,"
                + " got 512");
    assertThat(SpecAssertions.load(loader(Task.EXPORT), Task.EXPORT, VIT, strides).export())
        .extracting(ExportSpec::inputWidth)
        .isEqualTo(256);
  }

  @Test
  void everyDocumentedNameIsKnown() {
    for (BackboneType type : BackboneType.values()) {
      assertThat(BackboneType.of(type.key())).isSameAs(type);
      assertThat(type.widths()).hasSize(4);
    }
    assertThat(SpecSchema.get().key("model.backbone.type").orElseThrow().constraint().words())
        .containsExactly(
            Arrays.stream(BackboneType.values()).map(BackboneType::key).toArray(String[]::new));
  }
}
