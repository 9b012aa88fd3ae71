package dev.changenet.onnx.interpreter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Op;
import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.lowering.LoweringCase;
import dev.changenet.onnx.lowering.LoweringCases;
import dev.changenet.onnx.lowering.LoweringOptions;
import dev.changenet.onnx.proto.AttributeProto;
import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.NodeProto;
import dev.changenet.onnx.proto.OperatorSetIdProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.onnx.proto.TensorShapeProto;
import dev.changenet.onnx.proto.TypeProto;
import dev.changenet.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Settings that no exported graph uses, against ONNX Runtime, and what happens to bad files. What
 * exported graphs use is compared in the tests of the lowering, case by case.
 */
class OnnxInterpreterTest {
  @TempDir Path folder;

  private static final int[] MAP = {2, 6, 11, 9};

  private static float[] random(int seed, int n) {
    Random random = new Random(seed);
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = random.nextFloat() * 2 - 1;
    }
    return v;
  }

  private static TensorProto constant(String name, int... dims) {
    TensorProto.Builder t = TensorProto.newBuilder().setName(name).setDataType(1);
    for (int d : dims) {
      t.addDims(d);
    }
    float[] values = random(name.hashCode(), NdArray.count(dims));
    ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    raw.asFloatBuffer().put(values);
    return t.setRawData(com.google.protobuf.ByteString.copyFrom(raw.array())).build();
  }

  private static TensorProto integers(String name, String text) {
    String[] parts = text.split(" ");
    ByteBuffer raw = ByteBuffer.allocate(8 * parts.length).order(ByteOrder.LITTLE_ENDIAN);
    for (String p : parts) {
      raw.putLong(Long.parseLong(p));
    }
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(7)
        .addDims(parts.length)
        .setRawData(com.google.protobuf.ByteString.copyFrom(raw.array()))
        .build();
  }

  private static TensorProto floats(String name, String text) {
    String[] parts = text.split(" ");
    ByteBuffer raw = ByteBuffer.allocate(4 * parts.length).order(ByteOrder.LITTLE_ENDIAN);
    for (String p : parts) {
      raw.putFloat(Float.parseFloat(p));
    }
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(1)
        .addDims(parts.length)
        .setRawData(com.google.protobuf.ByteString.copyFrom(raw.array()))
        .build();
  }

  /** {@code key=1 2} integers, {@code key:1} an integer, {@code key~word} text. */
  private static AttributeProto attribute(String text) {
    String[] parts = text.split("[=:~]", 2);
    AttributeProto.Builder a = AttributeProto.newBuilder().setName(parts[0]);
    switch (text.charAt(parts[0].length())) {
      case '=' -> {
        a.setType(AttributeProto.AttributeType.INTS);
        for (String p : parts[1].split(" ")) {
          a.addInts(Long.parseLong(p));
        }
      }
      case ':' -> a.setType(AttributeProto.AttributeType.INT).setI(Long.parseLong(parts[1]));
      default ->
          a.setType(AttributeProto.AttributeType.STRING)
              .setS(com.google.protobuf.ByteString.copyFromUtf8(parts[1]));
    }
    return a.build();
  }

  private static ValueInfoProto value(String name, int... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (int d : dims) {
      shape.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(d));
    }
    TypeProto.Tensor.Builder tensor = TypeProto.Tensor.newBuilder().setElemType(1);
    if (dims.length > 0) {
      tensor.setShape(shape);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }

  private static ModelProto model(String operator, String attributes, TensorProto... constants) {
    NodeProto.Builder node =
        NodeProto.newBuilder().setName("node").setOpType(operator).addInput("x").addOutput("y");
    for (TensorProto t : constants) {
      node.addInput(t.getName());
    }
    for (String a : attributes.isEmpty() ? new String[0] : attributes.split(", ")) {
      node.addAttribute(attribute(a));
    }
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
        .setGraph(
            GraphProto.newBuilder()
                .setName("test")
                .addInput(value("x", MAP))
                .addOutput(value("y"))
                .addNode(node)
                .addAllInitializer(
                    List.of(constants).stream().filter(t -> !t.getName().isEmpty()).toList()))
        .build();
  }

  private void agrees(ModelProto model) throws IOException {
    Path file = folder.resolve("model.onnx");
    Files.write(file, model.toByteArray());
    Map<String, NdArray> in = Map.of("x", NdArray.of(random(1, NdArray.count(MAP)), MAP));
    try (OnnxEngine ours = OnnxEngine.open(file, OnnxEngine.Choice.INTERPRETER);
        OnnxEngine theirs = OnnxEngine.open(file, OnnxEngine.Choice.AUTO)) {
      assertThat(theirs.name()).startsWith("ONNX Runtime");
      NdArray expected = theirs.run(in).get("y");
      NdArray actual = ours.run(in).get("y");
      assertThat(actual.dims()).isEqualTo(expected.dims());
      for (int i = 0; i < expected.size(); i++) {
        assertThat(actual.floats()[i])
            .as("element %d", i)
            .isCloseTo(expected.floats()[i], org.assertj.core.data.Offset.offset(2e-5f));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "4, 6, 3, 3, 'kernel_shape=3 3, pads=0 2 1 3, strides=2 1'",
    "4, 6, 3, 2, 'kernel_shape=3 2, strides=3 2, pads=1 1 1 1'",
    "6, 2, 3, 3, 'kernel_shape=3 3, group:3, dilations=2 3, pads=2 3 2 3'",
    "6, 1, 5, 5, 'kernel_shape=5 5, group:6, pads=2 2 2 2, strides=2 2'",
    "70, 6, 1, 1, 'kernel_shape=1 1'",
  })
  void convolutions(int out, int in, int kh, int kw, String attributes) throws IOException {
    agrees(model("Conv", attributes, constant("w", out, in, kh, kw), constant("b", out)));
  }

  @ParameterizedTest
  @CsvSource({
    "6, 5, 3, 3, 'kernel_shape=3 3'",
    "6, 5, 4, 3, 'kernel_shape=4 3, strides=3 2, pads=1 0 2 1'",
    "6, 2, 2, 5, 'kernel_shape=2 5, strides=2 3, group:3, output_padding=1 2'",
    "6, 1, 3, 3, 'kernel_shape=3 3, strides=4 4'",
  })
  void transposedConvolutions(int in, int out, int kh, int kw, String attributes)
      throws IOException {
    agrees(model("ConvTranspose", attributes, constant("w", in, out, kh, kw)));
  }

  @ParameterizedTest
  @CsvSource({
    "nearest, asymmetric, floor, 1 1 2 3",
    "nearest, half_pixel, round_prefer_floor, 1 1 1.5 0.75",
    "nearest, half_pixel, round_prefer_ceil, 1 1 2 2",
    "nearest, asymmetric, ceil, 1 1 0.5 1.5",
    "linear, align_corners, floor, 1 1 2 3",
    "linear, asymmetric, floor, 1 1 2 2",
    "linear, pytorch_half_pixel, floor, 1 1 0.1 2",
    "cubic, half_pixel, floor, 1 1 2 0.5",
  })
  void resizes(String mode, String coordinates, String nearest, String scales) throws IOException {
    agrees(
        model(
            "Resize",
            "mode~%s, coordinate_transformation_mode~%s, nearest_mode~%s"
                .formatted(mode, coordinates, nearest),
            TensorProto.getDefaultInstance(),
            floats("scales", scales)));
  }

  @ParameterizedTest
  @CsvSource({
    "Softmax, axis:1",
    "Softmax, axis:-2",
    "ReduceMean, 'axes=1 -1, keepdims:0'",
    "ReduceMean, keepdims:1",
    "Transpose, perm=3 0 2 1",
    "Transpose, ''",
    "MaxPool, 'kernel_shape=3 2, strides=2 1, pads=1 0 1 1'",
    "Erf, ''",
    "Sin, ''",
  })
  void operatorsOfOneOperand(String operator, String attributes) throws IOException {
    agrees(model(operator, attributes));
  }

  @Test
  void slicesWithStepsAndEndsBeyond() throws IOException {
    agrees(
        model(
            "Slice",
            "",
            integers("starts", "1 -7"),
            integers("ends", "9223372036854775807 -1"),
            integers("axes", "2 -1"),
            integers("steps", "3 2")));
  }

  @Test
  void reshapesByRules() throws IOException {
    agrees(model("Reshape", "", integers("shape", "0 3 -1 9")));
  }

  @Test
  void broadcastsBothWays() throws IOException {
    agrees(model("Mul", "", constant("b", 6, 1, 9)));
    agrees(model("Sub", "", constant("b", 3, 1, 1, 11, 9)).toBuilder().build());
    agrees(model("Div", "", constant("b", 1)));
  }

  @Test
  void sumsOfWholeTensorsAndOfNone() throws IOException {
    agrees(model("ReduceSum", "keepdims:0"));
    agrees(model("ReduceSum", "noop_with_empty_axes:1"));
    agrees(model("ReduceSum", "", integers("axes", "0 2")));
  }

  @Test
  void anUnknownOperatorIsNamedBeforeAnythingRuns() {
    assertThatThrownBy(() -> OnnxInterpreter.of(model("Det", ""), Path.of("m.onnx")))
        .isInstanceOf(OnnxException.class)
        .hasMessage("m.onnx: the ONNX interpreter doesn't know operator Det");
  }

  @Test
  void anUnknownSettingAndAWrongShapeNameTheNode() {
    assertRefused(
        model("MaxPool", "kernel_shape=2 2, ceil_mode:1"), "node (MaxPool)", "ceil_mode 1");
    assertRefused(model("Reshape", "", integers("shape", "5 -1")), "node (Reshape)", "to [5, -1]");
    assertRefused(model("Add", "", constant("b", 5)), "node (Add)", "[2, 6, 11, 9] and [5]");
  }

  private static void assertRefused(ModelProto model, String... parts) {
    Map<String, NdArray> in = Map.of("x", NdArray.of(random(1, NdArray.count(MAP)), MAP));
    try (OnnxInterpreter interpreter = OnnxInterpreter.of(model, Path.of("m.onnx"))) {
      assertThatThrownBy(() -> interpreter.run(in))
          .isInstanceOf(OnnxException.class)
          .hasMessageContainingAll(parts);
      assertThatThrownBy(() -> interpreter.run(Map.of()))
          .hasMessageContaining("no value for input x");
    }
  }

  @Test
  void constantsBesideTheFileAreRead() throws IOException {
    LoweringCase c = LoweringCases.byOp().get(Op.CONV2D).get(0);
    LoweringOptions options = new LoweringOptions(17, true, true, Map.of());
    Path whole = folder.resolve("whole.onnx");
    Path split = folder.resolve("split.onnx");
    OnnxFile.write(c.export(new LoweringCase.Weights(), options, 1), whole);
    OnnxFile.write(c.export(new LoweringCase.Weights(), options, 1), split, 64);
    assertThat(OnnxFile.dataPath(split)).exists();
    Map<String, NdArray> in = Map.of("input0", NdArray.of(random(3, 240), 1, 8, 6, 5));
    assertThat(run(split, in)).isEqualTo(run(whole, in));
    Files.write(OnnxFile.dataPath(split), new byte[64]);
    assertThatThrownBy(() -> run(split, in))
        .isInstanceOf(OnnxException.class)
        .hasMessageContainingAll("split.onnx.data", "ends inside constant conv.weight");
  }

  private static float[] run(Path file, Map<String, NdArray> in) {
    try (OnnxInterpreter interpreter = OnnxInterpreter.open(file)) {
      return interpreter.run(in).get("output0").floats();
    }
  }

  @Test
  void resultsDontDependOnTheNumberOfThreads() throws Exception {
    ModelProto model = model("Conv", "kernel_shape=3 3, pads=1 1 1 1", constant("w", 200, 6, 3, 3));
    Map<String, NdArray> in = Map.of("x", NdArray.of(random(1, NdArray.count(MAP)), MAP));
    try (OnnxInterpreter interpreter = OnnxInterpreter.of(model, Path.of("m.onnx"));
        ForkJoinPool one = new ForkJoinPool(1);
        ForkJoinPool three = new ForkJoinPool(3)) {
      float[] first = one.submit(() -> interpreter.run(in).get("y").floats()).get();
      assertThat(three.submit(() -> interpreter.run(in).get("y").floats()).get()).isEqualTo(first);
    }
  }
}
