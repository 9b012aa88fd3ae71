package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** One wrong letter in a key, in the file or in an override, and what the user is told. */
class SpecMutationTest {

  static List<String> keys() {
    return SpecSchema.get().keys().stream()
        .filter(key -> !key.readBy().isEmpty())
        .map(SpecKey::path)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("keys")
  void oneWrongLetterIsRecognised(String path) {
    SpecKey key = SpecSchema.get().key(path).orElseThrow();
    Task task = key.readBy().iterator().next();
    Set<String> declared = SpecSchema.get().names(key.section());
    int checked = 0;
    // Every place in the name is KeySuggestionsTest's affair.
    List<String> mutations = List.copyOf(KeySuggestionsTest.mutations(key.name()));
    for (int i = 0; i < mutations.size(); i += 1 + mutations.size() / 12) {
      String name = mutations.get(i);
      // The letters of one key can make up another: color_map and such stay what they are.
      if (declared.contains(name)) {
        continue;
      }
      SpecError inFile = only(task, nested(key.section(), name), List.of());
      SpecError onLine = only(task, "", List.of(SpecSchema.join(key.section(), name) + "=null"));
      for (SpecError error : List.of(inFile, onLine)) {
        assertThat(error.errorClass()).isEqualTo(ErrorClass.UNKNOWN_KEY);
        assertThat(error.nearest()).as(name).contains(path);
        assertThat(error.text()).contains("did you mean ").contains(path).endsWith("?");
        int distance = Spelling.distance(name, key.name());
        assertThat(error.nearest())
            .as("others are as near")
            .allMatch(
                near ->
                    Spelling.distance(name, near.substring(near.lastIndexOf('.') + 1)) <= distance);
      }
      assertThat(inFile.location().line())
          .isEqualTo(1 + (int) path.chars().filter(c -> c == '.').count());
      checked++;
    }
    assertThat(checked).isGreaterThanOrEqualTo(6);
  }

  private static SpecError only(Task task, String yaml, List<String> overrides) {
    SpecException e = SpecAssertions.failure(task, yaml, overrides.toArray(String[]::new));
    assertThat(e.errors()).as("no error follows from the first").hasSize(1);
    return e.errors().getFirst();
  }

  private static String nested(String section, String name) {
    StringBuilder yaml = new StringBuilder();
    String indent = "";
    for (String part : section.isEmpty() ? new String[0] : section.split("\\.")) {
      yaml.append(indent).append(part).append(":\n");
      indent += "  ";
    }
    return yaml.append(indent).append('"').append(name).append("\": null\n").toString();
  }
}
