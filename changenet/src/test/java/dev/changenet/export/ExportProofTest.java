package dev.changenet.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtSession;
import com.google.protobuf.ByteString;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecException;
import dev.changenet.config.Task;
import dev.changenet.generate.GeneratorSettings;
import dev.changenet.generate.SceneGenerator;
import dev.changenet.onnx.EtltFile;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.train.InterruptedRunException;
import dev.changenet.train.Interruption;
import dev.changenet.train.Reporter;
import dev.changenet.train.RunContext;
import dev.changenet.train.StatusLog;
import dev.changenet.train.TaskRunner;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What export writes is run again before it gets its name. */
class ExportProofTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path checkpoint;

  private final List<String> warnings = new ArrayList<>();
  private final Interruption stop = new Interruption();

  private static final String YAML =
      """
      model:
        backbone: {type: fan_tiny_8_p4_hybrid}
        decode_head: {feature_strides: [4, 8, 16, 16], decoder_params: {embed_dim: 8}}
      train: {num_epochs: 1, optim: {lr: 0.01}}
      dataset:
        segment:
          {img_size: 32, batch_size: 2, workers: 0, num_classes: 2, class_names: [same, "a, b"]}
      export: {input_width: 32, input_height: 48, proof: {engine: interpreter}}
      """;

  @BeforeAll
  static void train() throws IOException {
    SceneGenerator.generate(shared.resolve("data"), new GeneratorSettings(11, 32, 2, 2, 2, 2));
    Files.writeString(shared.resolve("spec.yaml"), YAML);
    TaskRunner.run(
        spec(
            Task.TRAIN,
            "train.results_dir=" + shared.resolve("train"),
            "dataset.segment.root_dir=" + shared.resolve("data")),
        Reporter.SILENT,
        new Interruption());
    checkpoint = shared.resolve("train/model_epoch_000.pth");
  }

  private static ExperimentSpec spec(Task task, String... overrides) {
    return ExperimentSpec.load(shared.resolve("spec.yaml"), List.of(overrides), task, Map.of());
  }

  /** Exports to {@code name} in the folder and returns what was said. */
  private List<String> export(Consumer<Path> between, String name, String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.add("export.checkpoint=" + checkpoint);
    all.add("export.onnx_file=" + folder.resolve(name));
    all.add("export.results_dir=" + shared.resolve("export"));
    ExperimentSpec spec = spec(Task.EXPORT, all.toArray(String[]::new));
    List<String> lines = new ArrayList<>();
    Reporter reporter =
        new Reporter() {
          @Override
          public void info(String line) {
            lines.add(line);
          }

          @Override
          public void warn(String line) {
            warnings.add(line);
          }

          @Override
          public void progress(String label, long done, long all, double s, String details) {}

          @Override
          public void progressDone(String line) {}
        };
    StatusLog status = new StatusLog(shared.resolve("export"));
    new ExportRun(new RunContext(spec, reporter, status, stop), between).run();
    return lines;
  }

  @Test
  void anotherSizeThanTheTrainingsIsDoubted() throws IOException {
    String noProof = "export.proof.enabled=false";
    export(file -> {}, "a.onnx", "export.input_width=48", noProof);
    // The spec that lies beside the checkpoint knows better than the one at hand.
    export(file -> {}, "b.onnx", "dataset.segment.img_size=48", noProof);
    String end =
        " high, it was trained at 32 x 32; unless this is meant, add"
            + " export.input_width=32 export.input_height=32";
    String start = "the exported network will take pictures ";
    assertThat(warnings)
        .containsExactly(start + "48 wide and 48" + end, start + "32 wide and 48" + end);
    warnings.clear();
    export(file -> {}, "c.onnx", "export.input_height=32", noProof);
    export(file -> {}, "d.onnx", "export.dynamic_size=true", noProof);
    assertThat(warnings).isEmpty();

    Path alone = Files.copy(checkpoint, folder.resolve("alone.pth"));
    try {
      checkpoint = alone;
      export(
          file -> {}, "e.onnx", "export.input_height=32", "dataset.segment.img_size=64", noProof);
    } finally {
      checkpoint = shared.resolve("train/model_epoch_000.pth");
    }
    assertThat(warnings)
        .singleElement()
        .asString()
        .contains("32 wide and 32 high, but dataset.segment.img_size of the spec is 64 x 64;");
  }

  private List<String> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }

  @Test
  void aFileIsProvenOnMadeUpPicturesWithoutData() throws IOException {
    List<String> lines = export(f -> {}, "m.onnx");
    assertThat(lines)
        .anySatisfy(
            line ->
                assertThat(line)
                    .startsWith("Proof: 2 pairs (made-up pictures) of 48 x 32, largest difference")
                    .contains("limit 1e-04", "masks agree on 100.00 % of pixels")
                    .contains("(ONNX interpreter, "));
    assertThat(files()).containsExactly("m.onnx");
  }

  @Test
  void pairsOfTheDataAreTakenWhereThereAreSome() {
    assertThat(
            export(
                f -> {},
                "m.onnx",
                "dataset.segment.root_dir=" + shared.resolve("data"),
                "dataset.segment.predict_split=val",
                "export.proof.pairs=3",
                "export.batch_size=2"))
        .anyMatch(l -> l.startsWith("Proof: 4 pairs (first of split val) of 48 x 32, "));
  }

  @Test
  void dataThatCantBeReadIsSaidAndReplaced() {
    assertThat(export(f -> {}, "m.onnx", "dataset.segment.root_dir=/no/data"))
        .anyMatch(
            l ->
                l.startsWith(
                    "Proof: 2 pairs (made-up pictures, since no split of /no/data can be read)"));
  }

  @ParameterizedTest
  @CsvSource({
    "decoder.change_probability.conv2d.weight, 0.01",
    "blocks.7.attn.proj.bias, 0.5",
    "patch_embed.backbone.stem.0.weight, 0.05",
  })
  void oneAlteredWeightFailsAndLeavesNoFile(String name, float change) throws IOException {
    assertThatThrownBy(() -> export(f -> alter(f, name, change), "m.onnx"))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContainingAll(
            "export.proof: the file does not compute what the checkpoint does: 2 pairs",
            "limit 1e-04",
            "it was removed");
    assertThat(files()).isEmpty();
  }

  /** Adds {@code change} to one weight whose name contains {@code name}. */
  private static void alter(Path file, String name, float change) {
    ModelProto.Builder model = OnnxFile.read(file).toBuilder();
    List<TensorProto> constants = model.getGraph().getInitializerList();
    for (int i = 0; i < constants.size(); i++) {
      TensorProto t = constants.get(i);
      if (t.getName().contains(name)) {
        ByteBuffer raw = ByteBuffer.wrap(t.getRawData().toByteArray());
        raw.order(ByteOrder.LITTLE_ENDIAN).putFloat(0, raw.getFloat(0) + change);
        model
            .getGraphBuilder()
            .setInitializer(i, t.toBuilder().setRawData(ByteString.copyFrom(raw.array())));
        try {
          Files.write(file, model.build().toByteArray());
        } catch (IOException e) {
          throw new AssertionError(e);
        }
        return;
      }
    }
    throw new AssertionError("no constant " + name + " among " + names(constants));
  }

  private static List<String> names(List<TensorProto> constants) {
    return constants.stream().map(TensorProto::getName).toList();
  }

  @Test
  void theProofCanBeSwitchedOff() throws IOException {
    assertThat(export(f -> alter(f, "blocks.7.norm1", 1), "m.onnx", "export.proof.enabled=false"))
        .contains("Proof: none (export.proof.enabled is false)");
    assertThat(files()).containsExactly("m.onnx");
  }

  @Test
  void anEncryptedFileIsProvenBeforeItIsEncrypted() throws IOException {
    assertThat(export(f -> {}, "m.etlt", "encryption_key=secret"))
        .anyMatch(l -> l.startsWith("Proof: 2 pairs"));
    assertThat(files()).containsExactly("m.etlt");
    Path plain = folder.resolve("plain.onnx");
    Files.write(plain, EtltFile.read(folder.resolve("m.etlt"), "secret"));
    assertThat(OnnxFile.read(plain).getGraph().getInputCount()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"12, 1", "17, -1", "20, 2"})
  void openHeightAndWidthAreProvenAtThreeSizes(int opset, int batch) throws Exception {
    List<String> lines =
        export(
            f -> {},
            "m.onnx",
            "export.dynamic_size=true",
            "export.opset_version=" + opset,
            "export.batch_size=" + batch);
    assertThat(lines)
        .anySatisfy(
            l ->
                assertThat(l)
                    .startsWith("Proof: ")
                    .contains("48 x 32, 48 x 80, 96 x 64, largest difference"));
    try (OrtSession session = session("m.onnx")) {
      assertThat(session.getInputInfo().get("input0").getInfo().toString())
          .contains("[" + (batch < 0 ? "-1" : batch) + ", 3, -1, -1]");
    }
  }

  @Test
  void openSizesOfVitsAreRefused() {
    assertThatThrownBy(
            () ->
                spec(
                    Task.EXPORT,
                    "export.checkpoint=" + checkpoint,
                    "export.onnx_file=" + folder.resolve("m.onnx"),
                    "model.backbone.type=vit_large_nvdinov2",
                    "model.decode_head.feature_strides=[4, 8, 16, 32]",
                    "export.input_height=32",
                    "export.dynamic_size=true"))
        .isInstanceOf(SpecException.class)
        .hasMessageContaining("export.dynamic_size")
        .hasMessageContaining("only FAN encoders");
  }

  private OrtSession session(String name) throws Exception {
    return OrtSessions.open(folder.resolve(name));
  }

  @Test
  void metadataTellsHowToUseTheFile() throws Exception {
    Path metrics = Files.createDirectories(folder.resolve("metrics"));
    Files.writeString(metrics.resolve("metrics.json"), "{\"change\": {\"threshold\": 0.375}}");
    ExperimentSpec spec =
        spec(
            Task.EXPORT,
            "export.threshold=" + metrics,
            "export.checkpoint=" + checkpoint,
            "export.onnx_file=" + folder.resolve("m.onnx"),
            "export.results_dir=" + folder.resolve("results"));
    TaskRunner.run(spec, Reporter.SILENT, new Interruption());
    try (OrtSession session = session("m.onnx")) {
      Map<String, String> m = session.getMetadata().getCustomMetadata();
      assertThat(m)
          .containsEntry("color_order", "RGB")
          .containsEntry("mean", "[0.5, 0.5, 0.5]")
          .containsEntry("std", "[0.5, 0.5, 0.5]")
          .containsEntry("normalization", "(x / 255 - mean) / std")
          .containsEntry("class_names", "[\"same\",\"a, b\"]")
          .containsEntry("num_classes", "2")
          .containsEntry("threshold", "0.375")
          .containsEntry("checkpoint", "model_epoch_000.pth")
          .containsEntry("checkpoint_sha256", sha256(Files.readAllBytes(checkpoint)))
          .containsEntry("backbone", "fan_tiny_8_p4_hybrid")
          .containsEntry(
              "spec_sha256", sha256(Files.readAllBytes(folder.resolve("results/experiment.yaml"))))
          .containsKeys("program_version", "input_layout");
    }
  }

  @Test
  void withoutAThresholdNoneIsRecorded() throws Exception {
    export(f -> {}, "m.onnx", "export.proof.enabled=false");
    try (OrtSession session = session("m.onnx")) {
      assertThat(session.getMetadata().getCustomMetadata())
          .doesNotContainKeys("threshold", "threshold_rule");
    }
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  @Test
  void badThresholdsAreExplained() throws IOException {
    Path file = folder.resolve("other.json");
    Files.writeString(file, "{\"scores\": {}}");
    assertThatThrownBy(() -> export(f -> {}, "m.onnx", "export.threshold=" + file))
        .hasMessageContainingAll(file.toString(), "change.threshold is missing", "evaluate wrote");
    assertThat(files()).containsExactly("other.json");
  }

  @Test
  void aThresholdOfOtherWeightsIsDoubted() throws IOException {
    Path file = folder.resolve("metrics.json");
    Files.writeString(
        file, "{\"checkpoint\": \"/gone/other.pth\", \"change\": {\"threshold\": 0.25}}");
    export(f -> {}, "m.onnx", "export.proof.enabled=false", "export.threshold=" + file);
    assertThat(warnings).filteredOn(w -> w.contains("was found for other weights")).hasSize(1);
  }

  @Test
  void aStopBetweenWritingAndProvingLeavesNoFile() throws IOException {
    assertThatThrownBy(() -> export(f -> stop.request(), "m.onnx"))
        .isInstanceOf(InterruptedRunException.class);
    assertThat(files()).isEmpty();
  }

  @Test
  void whatAKilledExportLeftIsRemoved() throws Exception {
    Process ended = new ProcessBuilder("true").start();
    ended.waitFor();
    Path left = Files.createDirectories(folder.resolve(".m.etlt." + ended.pid() + ".proof"));
    Files.writeString(left.resolve("m.onnx"), "x");
    long alive = ProcessHandle.current().parent().orElseThrow().pid();
    Path busy = Files.createDirectories(folder.resolve(".m.etlt." + alive + ".proof"));
    Path other = Files.createDirectories(folder.resolve(".n.etlt." + ended.pid() + ".proof"));
    export(f -> {}, "m.etlt", "encryption_key=k", "export.proof.enabled=false");
    assertThat(left).doesNotExist();
    assertThat(busy).exists();
    assertThat(other).exists();
  }
}
