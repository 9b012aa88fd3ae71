package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeySuggestionsTest {
  private final SpecSchema schema = SpecSchema.get();
  private final KeySuggestions suggestions = new KeySuggestions(schema);

  /** Every deletion, substitution, insertion and swap of neighbours at every place of the name. */
  static Set<String> mutations(String name) {
    Set<String> mutated = new LinkedHashSet<>();
    for (int i = 0; i <= name.length(); i++) {
      String head = name.substring(0, i);
      String tail = name.substring(i);
      for (String letter : List.of("q", "e", "_")) {
        mutated.add(head + letter + tail);
        if (!tail.isEmpty()) {
          mutated.add(head + letter + tail.substring(1));
        }
      }
      if (!tail.isEmpty()) {
        mutated.add(head + tail.substring(1));
      }
      if (tail.length() > 1) {
        mutated.add(head + tail.charAt(1) + tail.charAt(0) + tail.substring(2));
      }
    }
    mutated.remove(name);
    mutated.remove("");
    return mutated;
  }

  @Test
  void everyOneLetterMistakeInAKeyIsRecognised() {
    List<String> names = new ArrayList<>(schema.sections());
    schema.keys().forEach(key -> names.add(key.path()));
    int checked = 0;
    for (String path : names) {
      String section = path.substring(0, Math.max(0, path.lastIndexOf('.')));
      String name = path.substring(path.lastIndexOf('.') + 1);
      for (String mutated : mutations(name)) {
        if (!schema.names(section).contains(mutated)) {
          assertThat(suggestions.nearest(section, mutated, "")).as(mutated).contains(path);
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(10_000);
  }

  @Test
  void mistakesReachTheUserFromFileAndOverride() {
    assertThat(SpecAssertions.failure(Task.TRAIN, "train: {optim: {lrr: 1}}").getMessage())
        .isEqualTo(
            "spec.yaml:1:17: unknown key train.optim.lrr (section train.optim has no 'lrr');"
                + " did you mean train.optim.lr?");
    assertThat(SpecAssertions.failure(Task.TRAIN, "", "train.Seed=1").getMessage())
        .endsWith("did you mean train.seed?");
    assertThat(SpecAssertions.failure(Task.TRAIN, "", "tain.optm.lr=1").getMessage())
        .endsWith("did you mean train.optim.lr?");
  }

  @Test
  void keyInTheWrongSectionIsFoundElsewhere() {
    assertThat(suggestions.nearest("dataset", "img_size", ""))
        .containsExactly("dataset.segment.img_size");
    assertThat(suggestions.nearest("", "num_epochs", "")).containsExactly("train.num_epochs");
  }

  @Test
  void distanceCountsSwapsAsOne() {
    assertThat(Spelling.distance("lr", "rl")).isEqualTo(1);
    assertThat(Spelling.distance("", "abc")).isEqualTo(3);
    assertThat(Spelling.distance("kitten", "sitting")).isEqualTo(3);
    assertThat(Spelling.distance("same", "same")).isZero();
  }
}
