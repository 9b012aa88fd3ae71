package dev.changenet.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MaskEncodingTest {
  private static MaskEncoding norm(Integer... values) {
    return new MaskEncoding("norm", 2, List.of(values));
  }

  private static MaskEncoding kept(int classes, Integer... values) {
    return new MaskEncoding("None", classes, List.of(values));
  }

  @Test
  void oneLineSaysWhatBecomesOfTheValues() {
    assertThat(norm(255, 0).line())
        .isEqualTo("Masks: values 0, 255 -> classes 0, 1 (label_transform norm)");
    assertThat(norm(0, 1).line()).isEqualTo("Masks: values 0, 1 -> class 0 (label_transform norm)");
    assertThat(kept(3, 0, 2, 7, 255).line())
        .isEqualTo(
            "Masks: values 0, 2, 7, 255 -> classes 0, 2, no class, ignored (label_transform None)");
    assertThat(kept(2, 255).line()).isEqualTo("Masks: value 255 -> ignored (label_transform None)");
    assertThat(norm(IntStream.range(0, 256).boxed().toArray(Integer[]::new)).line())
        .isEqualTo("Masks: values 0, 1, 2, 3, …, 255 -> classes 0, 1 (label_transform norm)");
  }

  @Test
  void aCheckpointsEntryComesBack() {
    MaskEncoding encoding = kept(5, 0, 1, 4);
    assertThat(MaskEncoding.fromMap(encoding.toMap())).contains(encoding);
    assertThat(encoding.toMap()).containsEntry("classes", List.of(0L, 1L, 4L));
    assertThat(MaskEncoding.fromMap(java.util.Map.of("values", "all"))).isEmpty();
  }

  @Test
  void onlyWhatMattersIsADisagreement() {
    assertThat(norm(0, 255).disagreement(norm(0))).isEmpty();
    assertThat(kept(5, 0, 1, 2).disagreement(kept(5, 0, 4))).isEmpty();
    assertThat(norm(0, 255).disagreement(kept(2, 0, 1)).orElseThrow())
        .contains("set dataset.segment.label_transform=norm");
    assertThat(norm(0, 255).disagreement(norm(0, 1)).orElseThrow())
        .contains("these masks are stored differently");
  }
}
