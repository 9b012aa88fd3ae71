package dev.changenet.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkTest {
  private static final String COSTS = "reference/costs.md";
  private static final String KEYS = "reference/state-dict-keys/";

  private static Network network(String backbone, int embedDim, int size) {
    return Network.of(ChangeNet.Config.of(backbone, embedDim, 2), size);
  }

  /**
   * Cells of the first row of costs.md that starts with {@code name}, in the part under {@code
   * heading}.
   */
  private static List<String> row(String heading, String name) throws IOException {
    boolean inside = false;
    for (String line : Files.readAllLines(ReferenceData.path(COSTS))) {
      inside = line.startsWith("#") ? line.contains(heading) : inside;
      if (inside && line.startsWith("| " + name)) {
        return Arrays.stream(line.split("\\|")).map(String::strip).toList();
      }
    }
    throw new AssertionError(COSTS + ": no row '" + name + "' under '" + heading + "'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fan_tiny_8_p4_hybrid",
        "fan_small_12_p4_hybrid",
        "fan_base_16_p4_hybrid",
        "fan_large_16_p4_hybrid",
        "vit_large_nvdinov2",
        "c_radio_v2_vit_base_patch16_224",
        "c_radio_v2_vit_large_patch16_224",
        "c_radio_v2_vit_huge_patch16_224",
      })
  void everyModuleHasTheParametersOfItsManifest(String backbone) throws IOException {
    Map<String, Long> modules = new LinkedHashMap<>();
    for (String line : Files.readAllLines(ReferenceData.path(KEYS + backbone + ".tsv"))) {
      String[] cells = line.split("\t");
      if (cells.length == 3 && cells[2].equals("param")) {
        long n =
            Arrays.stream(cells[1].split("x"))
                .mapToLong(Long::parseLong)
                .reduce(1, (a, b) -> a * b);
        for (int dot = cells[0].indexOf('.'); dot >= 0; dot = cells[0].indexOf('.', dot + 1)) {
          modules.merge(cells[0].substring(0, dot), n, Long::sum);
        }
      }
    }
    ModuleTree tree = network(backbone, 256, 256).tree();
    assertThat(modules).hasSizeGreaterThan(100);
    modules.forEach(
        (path, n) -> assertThat(tree.find(path).total().parameters()).as(path).isEqualTo(n));
    assertThat(tree.total().parameters())
        .isEqualTo(modules.get("backbone") + modules.get("decoder"))
        .isEqualTo(tree.total().trainable());
  }

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, fan tiny",
    "fan_small_12_p4_hybrid, fan small",
    "fan_base_16_p4_hybrid, fan base",
    "fan_large_16_p4_hybrid, fan large",
    "c_radio_v2_vit_base_patch16_224, c_radio base",
    "c_radio_v2_vit_large_patch16_224, c_radio large",
    "vit_large_nvdinov2, nvdinov2 large",
    "c_radio_v2_vit_huge_patch16_224, c_radio huge",
  })
  void theArithmeticIsWithinOnePercentOfAnIndependentCount(String backbone, String name)
      throws IOException {
    List<String> row = row("2.1", name);
    ModuleTree tree = network(backbone, 256, 256).tree();
    double saved = 2 * saved(backbone, name);
    close(tree.find("backbone").total().flops(), 2 * gmacs(row.get(2)) - saved);
    close(tree.find("decoder").total().flops(), gmacs(row.get(3)));
    close(tree.total().flops(), gmacs(row.get(4)) - saved);
  }

  /**
   * Work per image that the independent count has and this network leaves out, with equal results:
   * the class token of FAN, which no map depends on; and half of the token fusion of the adapters,
   * since a convolution of a vector repeated over a map is a vector.
   */
  private static double saved(String backbone, String name) throws IOException {
    if (backbone.startsWith("fan")) {
      List<String> variants = List.of("tiny", "small", "base", "large");
      return cell("2.3", "class blocks", 2 + variants.indexOf(name.split(" ")[1]));
    }
    List<String> variants =
        List.of("c_radio base", "c_radio large", "nvdinov2 large", "c_radio huge");
    int column = 2 + variants.indexOf(name);
    return (cell("2.4", "fusion conv1", column) + cell("2.4", "fusion conv2..4", column)) / 2;
  }

  private static double cell(String heading, String name, int column) throws IOException {
    return gmacs(row(heading, name).get(column));
  }

  /** The first number: with fusion. */
  private static double gmacs(String cell) {
    return Double.parseDouble(cell.split(" ")[0]);
  }

  private static void close(double flops, double gmacs) {
    assertThat(flops / 2e9).isCloseTo(gmacs, within(0.01 * gmacs));
  }

  @Test
  void theArithmeticOfTheHeadFollowsItsFormula() {
    int e = 16;
    int px = 64;
    ModuleTree decoder = network("fan_tiny_8_p4_hybrid", e, px).tree().find("decoder");
    double conv = 2.0 * px * px * 9 * e * e;
    assertThat(decoder.find("dense_1x").total().flops()).isEqualTo(2 * conv);
    assertThat(decoder.find("dense_2x").total().flops()).isEqualTo(2 * conv / 4);
    assertThat(decoder.find("change_probability").total().flops())
        .isEqualTo(2.0 * px * px * 9 * e * 2);
    assertThat(decoder.find("convd1x").total().flops()).isEqualTo(2.0 * px * px / 4 * e * e * 16);
    assertThat(decoder.find("linear_fuse").total().flops())
        .isEqualTo(2.0 * px / 4 * px / 4 * 4 * e * e);
  }

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, false",
    "fan_tiny_8_p4_hybrid, true",
    "c_radio_v2_vit_base_patch16_224, false",
    "vit_large_nvdinov2, true",
  })
  void keptActivationsAreWhatADryRunHolds(String backbone, boolean frozen) {
    Network all = network(backbone, 32, 64);
    Network network =
        new Network(
            all.config(),
            64,
            net -> {
              if (frozen) {
                net.backbone().freezePretrained();
              }
            },
            DType.FLOAT32);
    long kept = network.kept().values().stream().mapToLong(Long::longValue).sum();
    assertThat(kept).isPositive();
    // Kernels of a GPU keep no packed copies of slices of weights, which are no activations.
    try (DryRun dry = DryRun.open();
        ChangeNet net = new ChangeNet(Device.cuda(0), network.config())) {
      network.freeze().accept(net);
      net.train(true);
      // Tables that a network keeps between passes, such as positions, count if backward reads
      // them.
      long withTables = held(dry, net);
      long withoutTables = held(dry, net);
      assertThat(withTables - withoutTables).isBetween(0L, kept / 100);
      assertThat(kept).isBetween(withoutTables, withTables);
    }
  }

  private static long held(DryRun dry, ChangeNet net) {
    long before = dry.liveBytes();
    try (Tape _ = Tape.open()) {
      forward(net);
      return dry.liveBytes() - before;
    }
  }

  private static void forward(ChangeNet net) {
    try (Scope _ = Scope.open()) {
      Variable a = Network.image(1, 64, net.device());
      Variable b = Network.image(1, 64, net.device());
      Network.LOSS.compute(
          net.forward(a, b), (h, w) -> Tensor.empty(Shape.of(1, h, w), DType.INT32, net.device()));
    }
  }

  @Test
  void takesNoMemory() {
    long bytes = MemoryUse.liveBytes();
    long storages = MemoryUse.liveStorages();
    MemoryUse.resetPeak();
    network("c_radio_v2_vit_huge_patch16_224", 256, 512).tree();
    assertThat(MemoryUse.peakBytes()).isEqualTo(bytes);
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
  }

  @Test
  void aShortTreeHasTheSameSums() {
    ModuleTree tree = network("fan_tiny_8_p4_hybrid", 16, 64).tree();
    ModuleTree compact = tree.compact();
    assertThat(compact.total().parameters()).isEqualTo(tree.total().parameters());
    assertThat(compact.total().kept()).isEqualTo(tree.total().kept());
    assertThat(compact.total().flops())
        .isCloseTo(tree.total().flops(), within(1e-9 * tree.total().flops()));
    assertThat(names(compact)).contains("blocks.0-7", "cls_attn_blocks.0-1", "linear_c4.proj");
    assertThat(compact.children().getFirst().find("blocks.0-7")).isNull();
  }

  private static List<String> names(ModuleTree tree) {
    List<String> names = new ArrayList<>(List.of(tree.name()));
    tree.children().forEach(c -> names.addAll(names(c)));
    return names;
  }

  @Test
  void aFrozenEncoderIsNotTrained() {
    Network all = network("fan_tiny_8_p4_hybrid", 16, 64);
    Network frozen =
        new Network(all.config(), 64, net -> net.backbone().freezePretrained(), DType.FLOAT32);
    ModuleTree tree = frozen.tree();
    assertThat(tree.find("backbone").total().trainable()).isZero();
    assertThat(tree.find("decoder").total().trainable())
        .isEqualTo(tree.find("decoder").total().parameters());
    assertThat(tree.find("backbone").total().kept())
        .isLessThan(all.tree().find("backbone").total().kept() / 10);
  }

  @Test
  void refusesASizeThatTheEncoderCannotTake() {
    Network fan = network("fan_tiny_8_p4_hybrid", 16, 64);
    assertThat(fan.at(96).size()).isEqualTo(96);
    assertThatThrownBy(() -> fan.at(100))
        .isInstanceOf(ChangeNetException.class)
        .hasMessage(
            "image size 100 does not fit fan_tiny_8_p4_hybrid; expected a multiple of 16 from 32 on");
  }

  @ParameterizedTest
  @CsvSource({
    "fan_tiny_8_p4_hybrid, true",
    "fan_small_12_p4_hybrid, true",
    "fan_base_16_p4_hybrid, true",
    "fan_large_16_p4_hybrid, true",
    "vit_large_nvdinov2, true",
    "c_radio_v2_vit_base_patch16_224, true",
    "c_radio_v2_vit_base_patch16_224, false",
    "c_radio_v2_vit_large_patch16_224, true",
    "c_radio_v2_vit_huge_patch16_224, false",
  })
  void isFoundFromNamesAndShapes(String backbone, boolean summary) {
    ChangeNet.Config c = ChangeNet.Config.of(backbone, 24, 5);
    int size = 320;
    Network network =
        Network.of(
            new ChangeNet.Config(
                backbone, 0.3, 24, 5, c.featureStrides(), c.inIndex(), false, size, summary, false),
            size);
    Map<String, List<Integer>> shapes = new LinkedHashMap<>();
    network.tensors().forEach(t -> shapes.put(t.name(), t.shape()));
    Network found = NetworkFinder.ofShapes(shapes, net -> {}).orElseThrow();
    assertThat(found.config().backbone()).isEqualTo(backbone);
    assertThat(found.config().embedDim()).isEqualTo(24);
    assertThat(found.config().classes()).isEqualTo(5);
    assertThat(found.config().useSummaryToken()).isEqualTo(summary);
    assertThat(found.size()).isEqualTo(backbone.startsWith("vit_") ? size : 256);
    shapes.remove("backbone.cls_token");
    shapes.put("backbone.another", List.of(1));
    assertThat(NetworkFinder.ofShapes(shapes, net -> {})).isEmpty();
  }
}
