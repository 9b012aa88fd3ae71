package dev.changenet.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.NodeProto;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Each structural rule catches the fault it is there for. */
class OnnxCheckerTest {
  private static ModelProto model(int opset) {
    OnnxGraph graph = new OnnxGraph("g");
    List<Dimension> dims = List.of(Dimension.dynamic("batch_size"), Dimension.fixed(4));
    graph.addInput(new ValueInfo("x", ElementType.FLOAT, dims));
    graph.reserve("y");
    graph.addInitializer(Initializer.of("w", new float[] {1, 2, 3, 4}, 4));
    String scaled = graph.addNode("Mul", "a", List.of(), "x", "w");
    String soft = graph.addNode("Softmax", "a", List.of(Attribute.of("axis", 1)), scaled);
    graph.addOutput(new ValueInfo("y", ElementType.FLOAT, dims), soft);
    return new OnnxModel(graph, opset, Map.of("b", "2", "a", "1")).toProto();
  }

  private static void assertRefused(Consumer<GraphProto.Builder> fault, String... parts) {
    ModelProto.Builder broken = model(17).toBuilder();
    fault.accept(broken.getGraphBuilder());
    assertThatThrownBy(() -> OnnxChecker.check(broken.build()))
        .isInstanceOf(OnnxException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void soundModelsPassAtEveryOperatorSet() {
    for (int opset = OnnxModel.MIN_OPSET; opset <= OnnxModel.MAX_OPSET; opset++) {
      ModelProto model = model(opset);
      assertThatCode(() -> OnnxChecker.check(model)).doesNotThrowAnyException();
    }
  }

  @Test
  void headerNamesProducerOperatorSetAndSortedMetadata() {
    ModelProto model = model(17);
    assertThat(model.getProducerName()).isEqualTo("changenet");
    assertThat(model.getOpsetImport(0).getVersion()).isEqualTo(17);
    assertThat(model.getIrVersion()).isEqualTo(8);
    assertThat(model.getMetadataPropsList()).extracting(p -> p.getKey()).containsExactly("a", "b");
  }

  @Test
  void aValueUsedBeforeItsDefinitionIsFound() {
    assertRefused(
        g -> {
          NodeProto first = g.getNode(0);
          g.setNode(0, g.getNode(1)).setNode(1, first);
        },
        "a/Softmax (Softmax)",
        "uses a/Mul_output before any node computes it");
  }

  @Test
  void aValueDefinedTwiceIsFound() {
    assertRefused(g -> g.getNodeBuilder(0).setOutput(0, "w"), "value w is defined twice");
    assertRefused(g -> g.addInitializer(g.getInitializer(0)), "value w is defined twice");
  }

  @Test
  void repeatedNodeNamesAreFound() {
    assertRefused(g -> g.getNodeBuilder(1).setName("a/Mul"), "a/Mul", "used twice");
  }

  @Test
  void unknownOperatorsAndAttributesAreFound() {
    assertRefused(g -> g.getNodeBuilder(0).setOpType("Multiply"), "a/Mul (Multiply)", "17");
    assertRefused(g -> g.getNodeBuilder(1).setOpType("Gelu"), "no such operator");
    assertRefused(
        g -> g.getNodeBuilder(0).addAttribute(Attribute.of("axis", 1).toProto()), "attribute axis");
    assertRefused(
        g -> g.getNodeBuilder(1).setAttribute(0, Attribute.of("axis", 1f).toProto()),
        "attribute axis is FLOAT, expected INT");
  }

  @Test
  void wrongInputCountsAndTypesAreFound() {
    assertRefused(g -> g.getNodeBuilder(0).addInput("w"), "has 3 inputs", "wants 2 to 2");
    assertRefused(g -> g.getNodeBuilder(0).setInput(1, ""), "lacks required input 1");
    assertRefused(
        g ->
            g.getInitializerBuilder(0).setDataType(7).setRawData(ByteString.copyFrom(new byte[32])),
        "input w must be float");
  }

  @Test
  void undefinedOutputsAndShortConstantsAreFound() {
    assertRefused(g -> g.getOutputBuilder(0).setName("z"), "output z is computed by no node");
    assertRefused(
        g -> g.getInitializerBuilder(0).setRawData(ByteString.copyFrom(new byte[8])),
        "initializer w of shape [4] needs 16 bytes, has 8");
  }

  @Test
  void aConstantWhoseShapeAndContentDisagreeIsRefused() {
    assertThatThrownBy(() -> Initializer.of("w", new float[3], 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("w: shape [2, 2] needs 16 bytes, got 12");
  }
}
