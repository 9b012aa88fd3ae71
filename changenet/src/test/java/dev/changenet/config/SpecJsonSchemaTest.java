package dev.changenet.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The schema against an independent validator: the Python package jsonschema, with which {@code
 * /usr/bin/python3}, or the Python that {@code changenet.python} names, must come.
 */
class SpecJsonSchemaTest {
  private static final String PYTHON = System.getProperty("changenet.python", "/usr/bin/python3");

  /** Prints a line for each spec: ok, or the first finding. */
  private static final String VALIDATE =
      """
      import json, sys
      from jsonschema import Draft202012Validator as Draft
      schema = json.load(open(sys.argv[1]))
      Draft.check_schema(schema)
      validator = Draft(schema)
      for spec in json.load(open(sys.argv[2])):
          found = [e.json_path for e in validator.iter_errors(spec)]
          print('wrong at ' + found[0] if found else 'ok')
      """;

  private static final List<String> BEYOND =
      List.of(
          // an integer for JSON
          "got float 5.0",
          // names are texts in JSON
          "the name of an entry must be text",
          // rules over several keys, entries or items
          "while dataset.segment.multi_scale_train is true",
          "the entries must be named 0 to 1",
          "; ascending, got [1.2, 1.0]",
          // a value from elsewhere
          "from '${train.optim.optim}'");

  @TempDir Path folder;

  private List<String> validate(Task task, List<Object> specs) throws IOException {
    assumeTrue(
        Files.isExecutable(Path.of(PYTHON)) && run("-c", "import jsonschema").isEmpty(),
        PYTHON + " has no package jsonschema (python3-jsonschema)");
    Path schema = Files.writeString(folder.resolve("schema.json"), SpecJsonSchema.of(task));
    Path file = folder.resolve("specs.json");
    new ObjectMapper().writeValue(file.toFile(), specs);
    List<String> lines = run("-c", VALIDATE, schema.toString(), file.toString());
    assertThat(lines).as("answers of the validator").hasSize(specs.size());
    return lines;
  }

  private static List<String> run(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(PYTHON));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        .lines()
        .toList();
  }

  private static Object parsed(String file, String text) {
    return plain(Values.raw(SpecReader.parse(file, text).root()));
  }

  /** The raw form of a spec has a stand-in for null. */
  private static Object plain(Object raw) {
    return switch (raw) {
      case Map<?, ?> map -> {
        Map<Object, Object> plain = new LinkedHashMap<>();
        map.forEach((name, value) -> plain.put(name, plain(value)));
        yield plain;
      }
      case List<?> list ->
          list.stream().map(SpecJsonSchemaTest::plain).collect(Collectors.toList());
      case Enum<?> _ -> null;
      case null, default -> raw;
    };
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void rightSpecsPass(Task task) throws IOException {
    List<Object> specs = new ArrayList<>();
    specs.add(parsed("t.yaml", SpecTemplate.yaml(task)));
    specs.add(parsed("t.json", SpecTemplate.json(task)));
    specs.add(parsed("e.yaml", SpecAssertions.load(task, "").toYaml()));
    specs.add(
        parsed(
            "a.yaml",
            """
            train:
              seed: ${train.num_epochs}
              precision: 32
              optim: {lr: 1e-4}
            evaluate: {checkpoint: '???', batch_size: '${dataset.segment.batch_size}'}
            dataset: {segment: {color_map: {0: [0, 0, 0], '1': [1, 2, 3]}}}
            model: {decode_head: {align_corner: true}}
            quantize: {layers: [1, {a: b}]}
            """));
    List<Path> folders = new ArrayList<>(List.of(Path.of("../examples"), Path.of("../docs")));
    if (ReferenceData.present()) {
      folders.add(ReferenceData.path("reference"));
    }
    for (Path each : folders) {
      PrintedSpecsTest.specs(each).forEach((name, yaml) -> specs.add(parsed("s.yaml", yaml)));
    }

    assertThat(validate(task, specs)).containsOnly("ok");
  }

  /** Unknown keys, wrong types and ranges of single keys; the rest is beyond a schema. */
  @Test
  void wrongSpecsFail() throws IOException {
    for (Task task : Task.values()) {
      List<SpecCase> cases =
          SpecCase.all("wrong-specs.txt").stream()
              .filter(c -> c.task() == task && c.overrides().isEmpty())
              .filter(c -> "UTR".contains(c.expected().getFirst().substring(0, 1)))
              .filter(c -> !c.expected().getFirst().contains("the spec must be a mapping"))
              .filter(c -> BEYOND.stream().noneMatch(c.expected().getFirst()::contains))
              .toList();
      List<Object> specs = new ArrayList<>();
      for (SpecCase c : cases) {
        specs.add(parsed(c.file(), c.yaml()));
      }
      List<String> answers = validate(task, specs);
      List<String> passed = new ArrayList<>();
      for (int i = 0; i < cases.size(); i++) {
        if (!answers.get(i).startsWith("wrong at $")) {
          passed.add(cases.get(i).expected().getFirst());
        }
      }
      assertThat(passed).isEmpty();
      assertThat(cases).hasSizeGreaterThan(task == Task.TRAIN ? 80 : 0);
    }
  }

  @ParameterizedTest
  @EnumSource(Task.class)
  void describesEveryKeyAndAlias(Task task) throws IOException {
    JsonNode schema = new ObjectMapper().readTree(SpecJsonSchema.of(task));
    List<String> paths = new ArrayList<>(SpecSchema.get().aliases().keySet());
    SpecSchema.get().keys().forEach(key -> paths.add(key.path()));

    for (String path : paths) {
      JsonNode at = schema;
      for (String name : path.split("\\.")) {
        assertThat(at.get("additionalProperties").asBoolean(true)).as(path).isFalse();
        at = at.get("properties").get(name);
        assertThat(at).as(path).isNotNull();
      }
      assertThat(at.get("description").asText()).as(path).isNotEmpty();
    }
    assertThat(paths).hasSizeGreaterThan(150);
    assertThat(Map.of("a", schema.get("$schema").asText()))
        .containsValue("https://json-schema.org/draft/2020-12/schema");
  }
}
