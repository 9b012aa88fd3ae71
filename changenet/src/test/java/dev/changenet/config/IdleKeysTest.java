package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class IdleKeysTest {

  static List<SpecCase> cases() throws IOException {
    return SpecCase.all("idle-keys.txt");
  }

  private static List<String> warnings(ExperimentSpec spec) {
    return spec.warnings().stream().filter(line -> !line.startsWith("no usable GPU")).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void settingsWithoutEffectAreNamed(SpecCase specCase) {
    assertThat(specCase.expected()).isNotEmpty();
    assertThat(warnings(specCase.load())).containsExactlyElementsOf(specCase.expected());
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void defaultsAreNothingToWarnAbout(Task task) {
    assertThat(warnings(SpecAssertions.load(task, ""))).isEmpty();
    assertThat(warnings(SpecAssertions.load(task, SpecTemplate.yaml(task)))).isEmpty();
  }

  @Test
  void valuesEqualToTheDefaultAndSectionsOfOtherTasksAreNothingToWarnAbout() {
    assertThat(
            warnings(
                SpecAssertions.load(
                    Task.TRAIN,
                    """
                    train: {optim: {optim: adam, momentum: 0.9}}
                    wandb: {enable: true, project: TAO Toolkit}
                    model: {classify: {embed_dec: 30}}
                    dataset: {classify: {num_input: 4}, segment: {shuffle: yes}}
                    evaluate: {batch_size: 3, trt_engine: /m.engine}
                    gen_trt_engine: {batch_size: 4}
                    quantize: {mode: x}
                    """)))
        .isEmpty();
  }
}
