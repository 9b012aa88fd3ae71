package dev.changenet.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Op;
import dev.changenet.onnx.lowering.LoweringCase;
import dev.changenet.onnx.lowering.LoweringCases;
import dev.changenet.onnx.lowering.LoweringOptions;
import dev.changenet.onnx.lowering.OrtRunner;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files are complete or absent, and hold what was written. */
class OnnxFileTest {
  @TempDir Path folder;

  private static OnnxModel model() {
    LoweringCase c = LoweringCases.byOp().get(Op.CONV2D).get(0);
    return c.export(
        new LoweringCase.Weights(), new LoweringOptions(17, true, true, Map.of("a", "b")), 1);
  }

  @Test
  void whatIsWrittenReadsBackEqual() throws IOException {
    Path path = folder.resolve("new/model.onnx");
    OnnxFile.write(model(), path);
    assertThat(OnnxFile.read(path)).isEqualTo(model().toProto());
    try (var files = Files.list(path.getParent())) {
      assertThat(files).as("no temporary file is left").containsExactly(path);
    }
  }

  @Test
  void anExistingFileIsNotOverwritten() throws IOException {
    Path path = folder.resolve("model.onnx");
    Files.writeString(path, "precious");
    assertThatThrownBy(() -> OnnxFile.write(model(), path))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("already exists");
    assertThat(Files.readString(path)).isEqualTo("precious");
  }

  @Test
  void constantsOfLargeModelsGoBesideTheFile() {
    Path whole = folder.resolve("whole.onnx");
    Path split = folder.resolve("split.onnx");
    OnnxFile.write(model(), whole);
    OnnxFile.write(model(), split, 64);
    ModelProto proto = OnnxFile.read(split);
    OnnxChecker.check(proto);
    assertThat(OnnxFile.dataPath(split)).exists();
    assertThat(proto.getGraph().getInitializerList())
        .filteredOn(t -> t.getDataLocation() == TensorProto.DataLocation.EXTERNAL)
        .singleElement()
        .satisfies(
            t -> {
              assertThat(t.getName()).isEqualTo("conv.weight");
              assertThat(t.getExternalData(0).getValue()).isEqualTo("split.onnx.data");
            });
    Map<String, OrtRunner.Data> input =
        Map.of(
            "input0",
            new OrtRunner.Data(
                Shape.of(1, 6, 5, 8), LoweringCase.random(3, 1, 240).toFloatArray()));
    try (OrtRunner one = new OrtRunner(whole);
        OrtRunner two = new OrtRunner(split)) {
      assertThat(two.run(input).get("output0").values())
          .isEqualTo(one.run(input).get("output0").values());
    }
  }

  @Test
  void aLargeModelIsNotEncrypted() {
    Path path = folder.resolve("model.etlt");
    OnnxFile.requireSingleFile(model(), path, model().dataBytes());
    assertThatThrownBy(() -> OnnxFile.requireSingleFile(model(), path, 64))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("model.etlt: the model has " + model().dataBytes() + " bytes")
        .hasMessageContaining("export to a name that ends in .onnx");
  }

  @Test
  void noDataIsLeftBesideAModelThatCouldNotBeWritten() throws IOException {
    Path path = folder.resolve("model.onnx");
    Files.writeString(OnnxFile.dataPath(path), "precious");
    assertThatThrownBy(() -> OnnxFile.write(model(), path, 64))
        .hasMessageContaining("model.onnx.data already exists");
    assertThat(Files.readString(OnnxFile.dataPath(path))).isEqualTo("precious");
    assertThat(path).doesNotExist();
  }

  @Test
  void aFileThatIsNoModelIsRefusedWithItsPath() throws IOException {
    Path path = folder.resolve("text.onnx");
    Files.writeString(path, "this is no model");
    assertThatThrownBy(() -> OnnxFile.read(path))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("text.onnx");
    assertThatThrownBy(() -> OnnxFile.read(folder.resolve("absent.onnx")))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("absent.onnx")
        .hasMessageEndingWith(": no such file or folder");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsToldWithItsReason() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path below = file.resolve("model.onnx");
    assertThatThrownBy(() -> OnnxFile.write(model(), below))
        .isInstanceOf(OnnxException.class)
        .hasMessage(below + ": writing the ONNX model failed: a file is in the way");
    assertThatThrownBy(() -> OnnxFile.move(folder.resolve("absent.onnx"), folder.resolve("x.onnx")))
        .isInstanceOf(OnnxException.class)
        .hasMessageEndingWith(": moving the ONNX model failed: no such file or folder");
  }
}
