package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Specs that are printed somewhere are without fault: in the reference, in examples and docs. */
class PrintedSpecsTest {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```ya?ml\\n(.*?)^```");

  /** Text by the name of its file and place. */
  static Map<String, String> specs(Path folder) throws IOException {
    Map<String, String> specs = new LinkedHashMap<>();
    List<Path> files;
    try (Stream<Path> walk = Files.walk(folder)) {
      files = walk.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      String name = folder.relativize(file).toString();
      if (name.endsWith(".yaml")) {
        specs.put(name, Files.readString(file));
      } else if (name.endsWith(".md")) {
        Matcher block = BLOCK.matcher(Files.readString(file));
        while (block.find()) {
          specs.put(name + " at " + block.start(), block.group(1));
        }
      }
    }
    return specs;
  }

  private static List<String> problems(Map<String, String> specs) {
    List<String> problems = new ArrayList<>();
    specs.forEach(
        (name, yaml) -> {
          for (Task task : Task.values()) {
            List<String> overrides = new ArrayList<>(SpecCase.required(task));
            // The ViT example is started with the weights of its encoder.
            overrides.add("model.backbone.pretrained_backbone_path=/backbone.pth");
            SpecLint lint =
                SpecLint.of(
                    Path.of("spec.yaml"),
                    SpecAssertions.loader(task).quietAboutGpus(),
                    () -> SpecReader.parse("spec.yaml", yaml),
                    overrides);
            if (!lint.isValid() || !lint.warnings().isEmpty()) {
              problems.add(name + ", " + task + ": " + lint.errors() + lint.warnings());
            }
          }
        });
    return problems;
  }

  @Test
  void everySpecOfTheReferencePasses() throws IOException {
    Map<String, String> specs = specs(ReferenceData.path("reference"));

    assertThat(specs).hasSizeGreaterThanOrEqualTo(4);
    assertThat(problems(specs)).isEmpty();
  }

  @Test
  void theClassesOfTheBoardsHaveNames() {
    Path file = Path.of("../examples/deeppcb-seven-classes.yaml");
    ExperimentSpec spec =
        new SpecLoader(Task.TRAIN)
            .checkFiles(false)
            .load(file, List.of("dataset.segment.root_dir=data"));

    assertThat(spec.segmentData().classNames())
        .containsExactly("unchanged", "open", "short", "mousebite", "spur", "copper", "pin_hole");
  }

  @Test
  void everySpecInExamplesAndDocsPasses() throws IOException {
    Map<String, String> specs = specs(Path.of("../examples"));
    specs.putAll(specs(Path.of("../docs")));

    assertThat(specs).hasSizeGreaterThanOrEqualTo(6);
    assertThat(problems(specs)).isEmpty();
  }
}
