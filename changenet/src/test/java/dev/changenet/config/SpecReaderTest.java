package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpecReaderTest {
  @TempDir Path folder;

  private static Map<?, ?> read(String name, String text) {
    return (Map<?, ?>) Values.raw(SpecReader.parse(name, text).root());
  }

  @Test
  void readsJsonWithTabsAndKeepsLocations() {
    ExperimentSpec spec =
        new SpecLoader(Task.TRAIN)
            .checkFiles(false)
            .parse(
                "spec.json",
                "{\n\t\"train\": {\"seed\": 7, \"optim\": {\"lr\": 1e-3}},\n"
                    + "\t\"dataset\": {\"segment\": {\"root_dir\": \"\\/d\"}}\n}",
                List.of());

    assertThat(spec.train().seed()).isEqualTo(7);
    assertThat(spec.train().optim().lr()).isEqualTo(1e-3);
    assertThat(spec.segmentData().rootDir()).isEqualTo(Path.of("/d"));
    assertThatThrownBy(
            () ->
                new SpecLoader(Task.TRAIN)
                    .parse("spec.json", "{\n\t\"train\": {\"sed\": 7}}", List.of()))
        .hasMessageStartingWith("spec.json:2:12: unknown key train.sed");
  }

  @Test
  void brokenJsonNamesThePlace() {
    assertThatThrownBy(() -> SpecReader.parse("spec.json", "{\n \"a\": }"))
        .isInstanceOf(SpecException.class)
        .hasMessageStartingWith("spec.json:2:")
        .hasMessageContaining("not valid JSON: ")
        .extracting(e -> ((SpecException) e).errorClass())
        .isEqualTo(ErrorClass.SYNTAX);
    assertThatThrownBy(() -> SpecReader.parse("spec.json", "{\"a\": 1, \"a\": 2}"))
        .hasMessage("spec.json:1:10: duplicate key 'a', first given on line 1");
  }

  @Test
  void readsJsonTextInAYamlFile() {
    assertThat(read("s.yaml", "{\"a\": {\"b\": [1, 2.5, true, \"x\"]}}"))
        .isEqualTo(Map.of("a", Map.of("b", List.of(1L, 2.5, true, "x"))));
  }

  @Test
  void readsAnchorsAliasesAndMergeKeys() {
    assertThat(read("s.yaml", "a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\nd: &y 5\ne: *y\n"))
        .isEqualTo(
            Map.of(
                "a", Map.of("p", 1L, "q", 2L),
                "b", Map.of("p", 1L, "q", 2L),
                "c", Map.of("p", 1L, "q", 3L),
                "d", 5L,
                "e", 5L));
  }

  @Test
  void errorInAnAliasedSectionIsReportedWhereItWasWritten() {
    assertThatThrownBy(() -> SpecReader.parse("s.yaml", "a: &x {p: 1}\nb: [*z]\n"))
        .hasMessage("s.yaml:2:5: the alias *z has no anchor before it");
  }

  @Test
  void duplicatesInsideListsAndQuotedTwinsAreFound() {
    assertThatThrownBy(() -> SpecReader.parse("s.yaml", "a: [{x: 1, x: 2}]"))
        .hasMessage("s.yaml:1:12: duplicate key 'x', first given on line 1");
    assertThatThrownBy(() -> SpecReader.parse("s.yaml", "0: a\n'0': b"))
        .hasMessage("s.yaml:2:1: duplicate key '0', first given on line 1");
  }

  @Test
  void unreadableFilesAreNamed() throws IOException {
    Path absent = folder.resolve("absent.yaml");
    assertThatThrownBy(() -> SpecReader.read(absent))
        .hasMessage(absent + ": the spec file does not exist");
    Path binary = Files.write(folder.resolve("binary.yaml"), new byte[] {'a', (byte) 0xff, 1});
    assertThatThrownBy(() -> SpecReader.read(binary))
        .hasMessage(binary + ": the spec file is not valid UTF-8");
    Path comma = folder.resolve("a,b.yaml");
    assertThatThrownBy(() -> SpecReader.read(comma))
        .hasMessage(
            comma
                + ": the spec file has = or a comma in its name, which is not allowed; rename it");
    assertThatThrownBy(() -> SpecReader.parse("s.yaml", "a: \u0000"))
        .isInstanceOf(SpecException.class)
        .hasMessageContaining("not valid YAML: ");
  }

  @Test
  void windowsLineEndsKeepLocations() {
    assertThat(SpecAssertions.failure(Task.TRAIN, "train:\r\n  sed: 1\r\n").line()).isEqualTo(2);
  }

  @Test
  void garbageNeverEscapesAsAnotherException() {
    String[] pieces = {
      "a", ":", " ", "\n", "[", "]", "{", "}", "'", "\"", "&x", "*x", "<<", "-", "?", "|", ">",
      "!t", "%", "@", "#", "0x", ".inf", "~", ",", "train: ", "\t", "---\n"
    };
    Random random = new Random(1);
    for (int i = 0; i < 5000; i++) {
      StringBuilder text = new StringBuilder();
      for (int j = random.nextInt(12); j >= 0; j--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      String yaml = text.toString();
      for (String name : List.of("s.yaml", "s.json")) {
        try {
          new SpecLoader(Task.TRAIN).parse(name, yaml, List.of());
        } catch (SpecException e) {
          assertThat(e.getMessage()).as(yaml).isNotBlank();
        }
      }
      try {
        OverrideParser.parse("a=" + yaml);
      } catch (SpecException e) {
        assertThat(e.getMessage()).startsWith("override 'a=");
      }
    }
  }
}
