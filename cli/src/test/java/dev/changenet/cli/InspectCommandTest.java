package dev.changenet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.nn.state.OrderedDict;
import dev.changenet.nn.state.PthWriter;
import dev.changenet.nn.state.StoredTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectCommandTest {
  private static final String SPEC =
      """
      model:
        backbone: {type: fan_tiny_8_p4_hybrid, freeze_backbone: true}
        decode_head: {decoder_params: {embed_dim: 16}}
      dataset:
        segment: {root_dir: /nowhere, img_size: 64, num_classes: 3}
      train: {num_gpus: 8}
      """;

  @TempDir Path folder;
  private String spec;

  @BeforeEach
  void writeSpec() throws IOException {
    spec = Files.writeString(folder.resolve("spec.yaml"), SPEC).toString();
  }

  private String weights(String name, float value) {
    OrderedDict state = new OrderedDict();
    state.put("model.a.weight", StoredTensor.ofFloats(new int[] {2, 2}, new float[] {1, 2, 3, 4}));
    state.put(
        "model.b\u001b[31m.weight", StoredTensor.ofFloats(new int[] {1}, new float[] {value}));
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("epoch", 7L);
    root.put("state_dict", state);
    PthWriter.write(folder.resolve(name), root);
    return folder.resolve(name).toString();
  }

  /** A file with equal weights and an optimizer's state of one parameter. */
  private String withState(String name, float value) {
    OrderedDict state = new OrderedDict();
    state.put("model.a.weight", StoredTensor.ofFloats(new int[] {1}, new float[] {1}));
    Map<String, Object> slots = new LinkedHashMap<>();
    slots.put("step", StoredTensor.floatScalar(3));
    slots.put("exp_avg", StoredTensor.ofFloats(new int[] {1}, new float[] {value}));
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("state_dict", state);
    root.put("optimizer_states", List.of(Map.of("state", Map.of(0L, slots))));
    PthWriter.write(folder.resolve(name), root);
    return folder.resolve(name).toString();
  }

  @Test
  void statesOfOptimizersAreComparedToo() throws IOException {
    String a = withState("a.pth", 5);
    String b = withState("b.pth", 6);
    String none = weights("none.pth", 1);
    assertThat(CommandRun.of("inspect", a, b).out())
        .contains(
            "equal: 1 tensors with",
            "state of the optimizer, by number of the parameter:",
            "2 tensors in both: 1 equal, 1 different",
            "0.exp_avg");
    JsonNode found = json(CommandRun.of("inspect", a, b, "--json", "-"));
    assertThat(found.get("comparison").get("equal").asBoolean()).isTrue();
    assertThat(found.get("optimizer_comparison").get("equal").asBoolean()).isFalse();
    assertThat(CommandRun.of("inspect", a, a).out()).contains("equal: 2 tensors with");
    assertThat(CommandRun.of("inspect", none, none).out()).doesNotContain("optimizer, by");
    assertThat(CommandRun.of("inspect", a, b).code()).isZero();
    assertThat(CommandRun.of("inspect", a, b, "--exit-code").code()).isEqualTo(1);
    assertThat(CommandRun.of("inspect", a, none, "--exit-code").code()).isEqualTo(1);
    assertThat(CommandRun.of("inspect", a, a, "--exit-code").code()).isZero();
    assertThat(CommandRun.of("inspect", a, "--exit-code").err()).contains("--exit-code tells");
  }

  private static JsonNode json(CommandRun run) throws IOException {
    assertThat(run.code()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out());
  }

  @Test
  void aSpecShowsItsModulesWithoutDataOrGpus() {
    CommandRun run = CommandRun.of("inspect", spec);
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .startsWith("fan_tiny_8_p4_hybrid, embed_dim 16, 3 classes, a pair of 64 x 64 pixels")
        .contains("module ", "activations", "blocks.0-7 (8x)", "dense_1x.0", "frozen", "loss");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 100);
    assertThat(CommandRun.of("inspect", "-e", spec).out()).isEqualTo(run.out());
  }

  @Test
  void settingsReplaceThoseOfTheSpec() throws IOException {
    JsonNode network =
        json(CommandRun.of(
                "inspect", spec, "dataset.segment.num_classes=5", "--size", "96", "--json", "-"))
            .get("network");
    assertThat(network.get("num_classes").asInt()).isEqualTo(5);
    assertThat(network.get("img_size").asInt()).isEqualTo(96);
  }

  @ParameterizedTest
  @CsvSource({"bf16-mixed, bfloat16", "bf16, bfloat16", "16-mixed, float16", "16, float16"})
  void mixedPrecisionHalvesTheActivationsOnAnyMachine(String precision, String type)
      throws IOException {
    JsonNode full = json(CommandRun.of("inspect", spec, "--json", "-"));
    JsonNode mixed =
        json(CommandRun.of("inspect", spec, "train.precision=" + precision, "--json", "-"));
    assertThat(mixed.get("network").get("activations").asText()).isEqualTo(type);
    double ratio =
        mixed.get("modules").get("activation_bytes").asDouble()
            / full.get("modules").get("activation_bytes").asDouble();
    assertThat(ratio).isBetween(0.45, 0.65);
  }

  @Test
  void depthAndParametersChooseWhatIsShown() {
    String flat = CommandRun.of("inspect", spec, "--depth", "1").out();
    assertThat(flat).contains("backbone", "decoder").doesNotContain("dense_1x");
    String deep = CommandRun.of("inspect", spec, "--depth", "9", "--expand", "--parameters").out();
    assertThat(deep).contains("· running_mean", "float32", "[16]", "buffer", "[16, 32, 3, 3]");
    assertThat(deep).doesNotContain("(8x)");
    assertThat(deep.lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void theTreeAsJsonHasAllModules() throws IOException {
    JsonNode tree = json(CommandRun.of("inspect", spec, "--json", "-")).get("modules");
    assertThat(tree.get("modules")).hasSize(3);
    JsonNode backbone = tree.get("modules").get(0);
    assertThat(backbone.get("name").asText()).isEqualTo("backbone");
    assertThat(backbone.get("parameters").asLong()).isEqualTo(7273856);
    assertThat(backbone.get("trainable").asLong()).isZero();
    assertThat(backbone.get("flops").asDouble()).isPositive();
    assertThat(tree.get("activation_bytes").asLong()).isPositive();
  }

  @Test
  void aStepIsTimed() throws IOException {
    CommandRun run =
        CommandRun.of("inspect", spec, "--size=32", "--profile", "--train", "--steps=1");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("training step, batch 1, 32 x 32 pixels", "backward ms", "linear (");
    assertThat(run.out().lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void weightsOfAnotherNetworkAreListedByName() throws IOException {
    String file = weights("a.pth", 5);
    CommandRun run = CommandRun.of("inspect", file, "--stats", "--hash");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("epoch", "7", "sha256", "2 tensors, 5 elements; 2 float32")
        .contains("no whole network of this program", "b?[31m", "no NaN, no infinities")
        .doesNotContain("\u001b");
    Path report = folder.resolve("report.json");
    CommandRun written = CommandRun.of("inspect", file, "--stats", "--json", report.toString());
    assertThat(written.code()).isZero();
    JsonNode json = new ObjectMapper().readTree(report.toFile());
    assertThat(json.get("checkpoint").get("epoch").asInt()).isEqualTo(7);
    assertThat(json.get("statistics").get(0).get("mean").asDouble()).isEqualTo(2.5);
  }

  @Test
  void twoFilesAreCompared() throws IOException {
    String a = weights("a.pth", 5);
    String b = weights("b.pth", Float.NaN);
    assertThat(CommandRun.of("inspect", a, a).out()).contains("\nequal: 2 tensors");
    CommandRun run = CommandRun.of("inspect", a, b);
    assertThat(run.out())
        .contains("2 tensors in both: 1 equal, 1 different", "NaN/Inf in the second: 1");
    JsonNode c = json(CommandRun.of("inspect", a, b, "--json", "-")).get("comparison");
    assertThat(c.get("equal").asBoolean()).isFalse();
    assertThat(c.get("tensors").get(0).get("non_finite_b").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "none.pth|does not exist",
        "empty.pth|the file is empty",
        "noise.pth|noise.pth: ",
        "noise.safetensors|noise.safetensors: ",
        "folder|is a folder",
        "half.pth|half.pth: ",
      })
  void aFileThatIsNoneGivesOneLine(String name, String message) throws IOException {
    Files.createFile(folder.resolve("empty.pth"));
    byte[] noise = new byte[5000];
    new java.util.Random(3).nextBytes(noise);
    Files.write(folder.resolve("noise.pth"), noise);
    Files.write(folder.resolve("noise.safetensors"), noise);
    Files.createDirectory(folder.resolve("folder"));
    byte[] whole = Files.readAllBytes(Path.of(weights("whole.pth", 1)));
    Files.write(folder.resolve("half.pth"), java.util.Arrays.copyOf(whole, whole.length / 2));
    CommandRun run = CommandRun.of("inspect", folder.resolve(name).toString());
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines())
        .singleElement()
        .asString()
        .startsWith("ERROR: ")
        .contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "|a spec or a file of weights is missing",
        "SPEC SPEC|only files of weights can be compared",
        "SPEC --train|add --profile",
        "SPEC --stats|for files of weights",
        "SPEC --size 100|expected a multiple of 16",
        "SPEC --depth -1|--depth must be 0 or more",
        "SPEC modle.x=1|modle",
        "a b c|one file, or two to compare, got 3",
        "a.pth train.seed=1|settings go with a spec",
        "SPEC --json /dev/null|is no regular file",
      })
  void aWrongCallSaysWhatToDo(String arguments, String message) {
    String line = "inspect " + (arguments == null ? "" : arguments.replace("SPEC", spec));
    CommandRun run = CommandRun.of(line.strip().split(" "));
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.err()).startsWith("ERROR: ").contains(message);
  }
}
