package dev.changenet.onnx;

import dev.changenet.onnx.proto.AttributeProto;
import dev.changenet.onnx.proto.AttributeProto.AttributeType;
import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.NodeProto;
import dev.changenet.onnx.proto.StringStringEntryProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.onnx.proto.ValueInfoProto;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Checks the structure of a model: header, constants, every value defined once and before its use,
 * unique node names, operators and attributes known in the model's operator set, element types.
 */
public final class OnnxChecker {
  private final int opset;
  private final Map<String, Integer> types = new HashMap<>();

  private OnnxChecker(int opset) {
    this.opset = opset;
  }

  /**
   * Checks {@code model}.
   *
   * @throws OnnxException naming the first fault
   */
  public static void check(ModelProto model) {
    require(
        model.getIrVersion() >= 3, "ir_version is %d, expected at least 3", model.getIrVersion());
    require(
        model.getOpsetImportCount() == 1 && model.getOpsetImport(0).getDomain().isEmpty(),
        "expected one operator set import, of the standard domain");
    require(model.hasGraph(), "the model has no graph");
    long opset = model.getOpsetImport(0).getVersion();
    OnnxModel.requireSupported(Math.toIntExact(opset));
    require(
        model.getIrVersion() >= OnnxModel.irVersion((int) opset),
        "ir_version %d is older than operator set %d",
        model.getIrVersion(),
        opset);
    new OnnxChecker((int) opset).graph(model.getGraph());
  }

  private static void require(boolean ok, String format, Object... args) {
    if (!ok) {
      throw new OnnxException("ONNX model: " + String.format(format, args));
    }
  }

  private void define(String name, int type, String by) {
    require(!name.isEmpty(), "%s defines a value without a name", by);
    require(types.put(name, type) == null, "value %s is defined twice, again by %s", name, by);
  }

  private void graph(GraphProto graph) {
    require(!graph.getName().isEmpty(), "the graph has no name");
    require(graph.getOutputCount() > 0, "the graph has no outputs");
    for (ValueInfoProto input : graph.getInputList()) {
      valueInfo("input", input);
      define(input.getName(), input.getType().getTensorType().getElemType(), "the graph inputs");
    }
    for (TensorProto constant : graph.getInitializerList()) {
      constant(constant);
      define(constant.getName(), constant.getDataType(), "the initializers");
    }
    Set<String> nodeNames = new HashSet<>();
    for (NodeProto node : graph.getNodeList()) {
      require(
          !node.getName().isEmpty() && nodeNames.add(node.getName()),
          "node name '%s' is empty or used twice",
          node.getName());
      node(node);
    }
    Set<String> outputs = new HashSet<>();
    for (ValueInfoProto output : graph.getOutputList()) {
      valueInfo("output", output);
      String name = output.getName();
      require(outputs.add(name), "output %s is listed twice", name);
      require(types.containsKey(name), "output %s is computed by no node", name);
      require(
          types.get(name) == output.getType().getTensorType().getElemType(),
          "output %s is declared with element type %d, but is of type %d",
          name,
          output.getType().getTensorType().getElemType(),
          types.get(name));
    }
  }

  private static void valueInfo(String kind, ValueInfoProto value) {
    require(
        value.getType().hasTensorType() && value.getType().getTensorType().hasShape(),
        "%s %s has no tensor type with a shape",
        kind,
        value.getName());
  }

  private static void constant(TensorProto t) {
    ElementType type = null;
    for (ElementType candidate : ElementType.values()) {
      if (candidate.code() == t.getDataType()) {
        type = candidate;
      }
    }
    require(type != null, "initializer %s has element type %d", t.getName(), t.getDataType());
    long bytes = type.bytes();
    for (long d : t.getDimsList()) {
      require(d >= 0, "initializer %s has a negative size", t.getName());
      bytes = Math.multiplyExact(bytes, d);
    }
    if (t.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      Map<String, String> where = new HashMap<>();
      for (StringStringEntryProto e : t.getExternalDataList()) {
        where.put(e.getKey(), e.getValue());
      }
      String location = where.getOrDefault("location", "");
      require(
          !location.isEmpty() && !location.contains("/") && !location.contains("\\"),
          "initializer %s has external data at '%s', expected a file name beside the model",
          t.getName(),
          location);
      require(
          Long.toString(bytes).equals(where.get("length")),
          "initializer %s of shape %s needs %d bytes, its external data has %s",
          t.getName(),
          t.getDimsList(),
          bytes,
          where.get("length"));
    } else {
      require(
          t.getRawData().size() == bytes,
          "initializer %s of shape %s needs %d bytes, has %d",
          t.getName(),
          t.getDimsList(),
          bytes,
          t.getRawData().size());
    }
  }

  private void node(NodeProto node) {
    String what = "node " + node.getName() + " (" + node.getOpType() + ")";
    require(node.getDomain().isEmpty(), "%s is of the unknown domain %s", what, node.getDomain());
    OperatorSchema schema = OperatorSchema.find(node.getOpType(), opset);
    require(schema != null, "%s: operator set %d has no such operator we know", what, opset);
    require(
        node.getInputCount() >= schema.minInputs() && node.getInputCount() <= schema.maxInputs(),
        "%s has %d inputs, operator set %d wants %d to %d",
        what,
        node.getInputCount(),
        opset,
        schema.minInputs(),
        schema.maxInputs());
    attributes(node, schema, what);
    int first = 0;
    for (int i = 0; i < node.getInputCount(); i++) {
      String input = node.getInput(i);
      if (input.isEmpty()) {
        require(i >= schema.minInputs(), "%s lacks required input %d", what, i);
        continue;
      }
      Integer type = types.get(input);
      require(type != null, "%s uses %s before any node computes it", what, input);
      if (schema.int64Inputs().contains(i)) {
        require(type == ElementType.INT64.code(), "%s: input %s must be int64", what, input);
      } else if (schema.movesData()) {
        require(first == 0 || first == type, "%s mixes element types", what);
        first = type;
      } else {
        require(type == ElementType.FLOAT.code(), "%s: input %s must be float", what, input);
        first = type;
      }
    }
    require(node.getOutputCount() == 1, "%s has %d outputs", what, node.getOutputCount());
    define(
        node.getOutput(0),
        switch (node.getOpType()) {
          case "Shape" -> ElementType.INT64.code();
          case "Cast" -> castTo(node);
          default -> first;
        },
        what);
  }

  private static int castTo(NodeProto node) {
    for (AttributeProto a : node.getAttributeList()) {
      if (a.getName().equals("to")) {
        return (int) a.getI();
      }
    }
    throw new OnnxException("ONNX model: node " + node.getName() + " (Cast) lacks attribute to");
  }

  private void attributes(NodeProto node, OperatorSchema schema, String what) {
    Set<String> seen = new HashSet<>();
    for (AttributeProto a : node.getAttributeList()) {
      AttributeType expected = schema.attributes().get(a.getName());
      require(
          expected != null,
          "%s has attribute %s, which operator set %d doesn't know",
          what,
          a.getName(),
          opset);
      require(
          expected == a.getType(),
          "%s: attribute %s is %s, expected %s",
          what,
          a.getName(),
          a.getType(),
          expected);
      require(seen.add(a.getName()), "%s has attribute %s twice", what, a.getName());
    }
    if (node.getOpType().equals("Concat")) {
      require(seen.contains("axis"), "%s lacks attribute axis", what);
    }
  }
}
