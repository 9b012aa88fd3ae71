package dev.changenet.nn.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.changenet.testing.GoldenFormula;
import dev.changenet.testing.ReferenceData;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads the sample files; checkpoints.json says what they hold. */
class PthReaderTest {

  static List<String> described() {
    JsonNode good = TestFiles.descriptions().path("good");
    return TestFiles.samples("good").stream()
        .filter(n -> n.endsWith(".pth") && good.path(n).path("contents").has("dict"))
        .toList();
  }

  static List<String> badSamples() {
    return TestFiles.samples("bad");
  }

  static List<String> weightSamples() {
    return TestFiles.samples("good").stream()
        .filter(n -> TestFiles.descriptions().path("good").path(n).has("keys"))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("described")
  void readsExactlyWhatTheSampleHolds(String name) {
    Object root = PthReader.read(TestFiles.sample(name));
    compare(name, TestFiles.descriptions().path("good").path(name).path("contents"), root);
  }

  private static void compare(String at, JsonNode expected, Object actual) {
    if (expected.has("dict")) {
      Map<?, ?> map = (Map<?, ?>) actual;
      for (Map.Entry<String, JsonNode> entry : expected.path("dict").properties()) {
        String key = entry.getKey();
        Object value = map.containsKey(key) ? map.get(key) : map.get(parse(key));
        compare(at + "/" + key, entry.getValue(), value);
      }
    } else if (expected.has("list")) {
      List<?> list = (List<?>) actual;
      assertThat(list).as(at).hasSize(expected.path("list").size());
      for (int i = 0; i < list.size(); i++) {
        compare(at + "/" + i, expected.path("list").get(i), list.get(i));
      }
    } else if (expected.has("tensor")) {
      compareTensor(at, expected.path("tensor"), (StoredTensor) actual);
    } else {
      compareValue(at, expected.path("value"), actual);
    }
  }

  private static Long parse(String key) {
    return key.matches("\\d+") ? Long.valueOf(key) : null;
  }

  private static void compareValue(String at, JsonNode expected, Object actual) {
    if (actual instanceof BigInteger big) {
      assertThat(big.toString()).as(at).isEqualTo(expected.asText());
    } else if (expected.isNull()) {
      assertThat(actual).as(at).isNull();
    } else if (expected.isIntegralNumber()) {
      assertThat(actual).as(at).isEqualTo(expected.longValue());
    } else if (expected.isNumber()) {
      assertThat(actual).as(at).isEqualTo(expected.doubleValue());
    } else if (expected.isBoolean()) {
      assertThat(actual).as(at).isEqualTo(expected.booleanValue());
    } else {
      assertThat(actual).as(at).isEqualTo(expected.textValue());
    }
  }

  private static void compareTensor(String at, JsonNode expected, StoredTensor tensor) {
    assertThat(tensor.type().torchName()).as(at).isEqualTo(expected.path("dtype").textValue());
    assertThat(tensor.storageOffset()).as(at).isEqualTo(expected.path("storage_offset").asLong());
    assertThat(tensor.shape()).as(at).isEqualTo(ints(expected.path("shape")));
    assertThat(tensor.stride()).as(at).containsExactly(longs(expected.path("stride")));
    JsonNode numbers = expected.path("values");
    if (tensor.type().isIntegral()) {
      assertThat(tensor.toLongs()).as(at).containsExactly(longs(numbers));
    }
    double[] doubles = new double[numbers.size()];
    float[] floats = new float[doubles.length];
    for (int i = 0; i < doubles.length; i++) {
      JsonNode n = numbers.get(i);
      doubles[i] = n.isBoolean() ? (n.booleanValue() ? 1 : 0) : n.doubleValue();
      floats[i] = (float) doubles[i];
    }
    assertThat(tensor.toDoubles()).as(at).containsExactly(doubles);
    assertThat(tensor.toFloats()).as(at).containsExactly(floats);
  }

  private static int[] ints(JsonNode array) {
    int[] out = new int[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = array.get(i).intValue();
    }
    return out;
  }

  private static long[] longs(JsonNode array) {
    long[] out = new long[array.size()];
    for (int i = 0; i < out.length; i++) {
      JsonNode n = array.get(i);
      out[i] = n.isBoolean() ? (n.booleanValue() ? 1 : 0) : n.longValue();
    }
    return out;
  }

  @Test
  void keepsTheOrderOfEntries() {
    assertThat(((Map<?, ?>) PthReader.read(TestFiles.sample("ordered_dict.pth"))).keySet())
        .map(String::valueOf)
        .containsExactly("z", "a");
  }

  @Test
  void tensorsOfOneStorageShareIt() {
    WeightsFile file = WeightsFile.read(TestFiles.sample("views.pth"));
    StoredTensor whole = file.tensor("shared_again");
    for (String view : List.of("transposed", "row", "column", "strided")) {
      assertThat(file.tensor(view).sharesStorageWith(whole)).as(view).isTrue();
    }
    assertThat(file.tensor("expanded").sharesStorageWith(whole)).isFalse();
    assertThat(file.tensor("transposed").isContiguous()).isFalse();
    assertThat(file.tensor("row").isContiguous()).isTrue();
  }

  @Test
  void keepsTheMetadataOfAModuleAsAttribute() {
    OrderedDict state = (OrderedDict) PthReader.read(TestFiles.sample("module_metadata.pth"));
    assertThat(state.keySet()).map(String::valueOf).containsExactly("proj.weight", "proj.bias");
    assertThat(((StoredTensor) state.get("proj.weight")).shape()).containsExactly(32, 192);
    assertThat(((StoredTensor) state.get("proj.bias")).shape()).containsExactly(32);
    assertThat(state.attributes()).containsKey("_metadata");
  }

  @Test
  void objectsOfUnknownClassesStayInertEvenWithCycles() {
    WeightsFile file = WeightsFile.read(TestFiles.sample("unknown_classes.pth"));
    PythonObject config = (PythonObject) file.get("hyper_parameters");
    assertThat(config.className()).isEqualTo("omegaconf.dictconfig.DictConfig");
    Map<?, ?> state = (Map<?, ?>) config.state();
    Map<?, ?> content = (Map<?, ?>) state.get("_content");
    List<Object> parents = new ArrayList<>();
    for (Object node : content.values()) {
      parents.add(((Map<?, ?>) ((PythonObject) node).state()).get("_parent"));
    }
    assertThat(parents).isNotEmpty().allMatch(p -> p == config);
    assertThat(file.integer("epoch")).isEqualTo(4);
  }

  @ParameterizedTest
  @MethodSource("weightSamples")
  void backboneSamplesFollowTheFormulaAfterRenaming(String name) {
    Map<String, StoredTensor> weights =
        BackboneKeys.rename(WeightsFile.read(TestFiles.sample(name)));
    assertThat(weights)
        .containsOnlyKeys(
            "patch_embed.backbone.stem.0.weight",
            "patch_embed.backbone.stem.0.bias",
            "cls_token",
            "blocks.0.mlp.temperature");
    weights.forEach(
        (key, tensor) ->
            assertThat(tensor.toFloats())
                .as(key)
                .isEqualTo(GoldenFormula.entry("", "backbone." + key, tensor.shape())));
  }

  @Test
  void readsACompleteTrainingCheckpoint() {
    WeightsFile file =
        WeightsFile.read(ReferenceData.golden("checkpoints/changenet_fan_tiny_e32.pth"));
    assertThat(file.text("tao_model")).isEqualTo("visual_changenet_segment");
    assertThat(file.integer("epoch")).isEqualTo(1);
    assertThat(file.integer("global_step")).isEqualTo(3);
    Map<String, StoredTensor> weights = file.tensors("state_dict");
    assertThat(weights).hasSize(452);
    weights.forEach(
        (key, tensor) ->
            assertThat(tensor.toFloats())
                .as(key)
                .isEqualTo(
                    GoldenFormula.entry("", key.substring("model.".length()), tensor.shape())));
    JsonNode about = TestFiles.descriptions().path("good").path("changenet_fan_tiny_e32.pth");
    assertThat(file.number("optimizer_states", 0, "param_groups", 0, "lr"))
        .isEqualTo(about.path("learning_rate_in_group").doubleValue());
    assertThat(file.list("optimizer_states", 0, "param_groups", 0, "params")).hasSize(401);
    assertThat(file.map("optimizer_states", 0, "state"))
        .hasSize(about.path("optimizer_state_indices").size());
    for (Map.Entry<String, JsonNode> p : about.path("optimizer_parameter_names").properties()) {
      int i = Integer.parseInt(p.getKey());
      String name = p.getValue().textValue();
      assertThat(file.number("optimizer_states", 0, "state", i, "step")).isEqualTo(3.0);
      StoredTensor mean = file.tensor("optimizer_states", 0, "state", i, "exp_avg");
      assertThat(mean.toFloats())
          .isEqualTo(GoldenFormula.fill("opt/m/" + name, "affine", 0, 0.01, (int) mean.count()));
      StoredTensor square = file.tensor("optimizer_states", 0, "state", i, "exp_avg_sq");
      assertThat(square.toFloats())
          .isEqualTo(
              GoldenFormula.fill("opt/v/" + name, "affine_abs", 0, 0.001, (int) square.count()));
    }
  }

  @ParameterizedTest
  @MethodSource("badSamples")
  void refusesBadSamplesInOneLineWithoutRunningAnything(String name) {
    Path path = TestFiles.sample(name);
    assertThatThrownBy(() -> WeightsFile.read(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(path + ": ")
        .message()
        .hasLineCount(1)
        .hasSizeGreaterThan(path.toString().length() + 10);
    assertThat(Path.of("/tmp/changenet_evil")).doesNotExist();
    assertThat(Path.of("/tmp/changenet_evil2")).doesNotExist();
  }

  @Test
  void saysWhichFunctionWasRefused() {
    assertThatThrownBy(() -> PthReader.read(TestFiles.sample("bad_os_system.pth")))
        .hasMessageContaining("calls 'posix.system', which is not allowed");
    assertThatThrownBy(() -> PthReader.read(TestFiles.sample("bad_eval.pth")))
        .hasMessageContaining("calls 'builtins.eval', which is not allowed");
  }

  @Test
  void refusesWhatIsNoFile(@TempDir Path folder) throws Exception {
    assertThatThrownBy(() -> PthReader.read(folder.resolve("absent.pth")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageEndingWith("absent.pth: no such file");
    Path sub = Files.createDirectory(folder.resolve("sub.pth"));
    assertThatThrownBy(() -> PthReader.read(sub))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("is a folder");
  }
}
