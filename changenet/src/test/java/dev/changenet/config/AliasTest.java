package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AliasTest {

  @Test
  void aliasesSetTheirCanonicalKey() {
    ExperimentSpec spec =
        SpecAssertions.load(
            Task.TRAIN,
            """
            train: {val_interval: 3}
            model: {decode_head: {align_corner: true}}
            dataset:
              segment:
                augmentation:
                  random_color: {enabled: false}
              classify: {augmentation_config: {random_color: {enabled: off}}}
            """,
            "dataset.segment.augmentation.with_scale_random_crop.enabled=false");

    assertThat(spec.train().validationInterval()).isEqualTo(3);
    assertThat(spec.model().decodeHead().alignCorners()).isTrue();
    assertThat(spec.segmentData().augmentation().randomColor().enable()).isFalse();
    assertThat(spec.segmentData().augmentation().withScaleRandomCrop().enable()).isFalse();
  }

  @Test
  void effectiveSpecNamesOnlyCanonicalKeys() {
    String yaml =
        SpecAssertions.load(Task.TRAIN, "model: {decode_head: {align_corner: true}}").toYaml();

    assertThat(yaml).contains("    align_corners: true\n").doesNotContain("align_corner:");
  }

  @Test
  void agreeingSpellingsAreAccepted() {
    assertThat(
            SpecAssertions.load(
                    Task.TRAIN, "model: {decode_head: {align_corner: yes, align_corners: true}}")
                .model()
                .decodeHead()
                .alignCorners())
        .isTrue();
  }

  @Test
  void contradictionBetweenFileAndOverrideIsAnErrorToo() {
    SpecException e =
        SpecAssertions.failure(
            Task.TRAIN,
            "model: {decode_head: {align_corner: true}}",
            "model.decode_head.align_corners=false");

    assertThat(e.errorClass()).isEqualTo(ErrorClass.UNUSABLE);
    assertThat(e.key()).isEqualTo("model.decode_head.align_corner");
  }
}
