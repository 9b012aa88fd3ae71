package dev.changenet.onnx;

import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.NodeProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.onnx.proto.TensorShapeProto;
import dev.changenet.onnx.proto.TypeProto;
import dev.changenet.onnx.proto.ValueInfoProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph under construction: inputs, constants, nodes in topological order, outputs. Names of
 * values and of nodes are made unique by a numeric suffix.
 */
public final class OnnxGraph {
  private final String name;
  private final List<ValueInfo> inputs = new ArrayList<>();
  private final List<ValueInfo> outputs = new ArrayList<>();
  private final Map<String, Initializer> initializers = new LinkedHashMap<>();
  private final List<OnnxNode> nodes = new ArrayList<>();
  private final Set<String> valueNames = new HashSet<>();
  private final Set<String> nodeNames = new HashSet<>();
  private final Map<String, Integer> lastSuffix = new LinkedHashMap<>();

  /** Values that were renamed to the name of an output. */
  private final Map<String, String> outputOf = new LinkedHashMap<>();

  public OnnxGraph(String name) {
    this.name = name;
  }

  /** Keeps {@code valueName} free for a later output of that name. */
  public void reserve(String valueName) {
    if (!valueNames.add(valueName)) {
      throw new IllegalArgumentException("the graph already has a value named " + valueName);
    }
  }

  /** Declares an input and returns its name. */
  public String addInput(ValueInfo input) {
    reserve(input.name());
    inputs.add(input);
    return input.name();
  }

  /** Stores a constant; returns its name, which differs from the wanted one if that is taken. */
  public String addInitializer(Initializer constant) {
    String unique = unique(constant.name(), valueNames);
    initializers.put(unique, unique.equals(constant.name()) ? constant : constant.named(unique));
    return unique;
  }

  /**
   * Appends a node with one output.
   *
   * @param scope where the node belongs, such as a module path; may be empty
   * @return name of the output
   */
  public String addNode(
      String operator, String scope, List<Attribute> attributes, String... nodeInputs) {
    String nodeName = unique(scope.isEmpty() ? operator : scope + "/" + operator, nodeNames);
    String output = unique(nodeName + "_output", valueNames);
    nodes.add(
        new OnnxNode(nodeName, operator, attributes, Arrays.asList(nodeInputs), List.of(output)));
    return output;
  }

  /**
   * Makes {@code value} an output called {@code output.name()}, a name that was {@linkplain
   * #reserve reserved}. A value that is itself an input, a constant or another output is copied.
   */
  public void addOutput(ValueInfo output, String value) {
    String source = outputOf.getOrDefault(value, value);
    boolean computed = nodes.stream().anyMatch(n -> n.outputs().contains(source));
    if (computed && source.equals(value)) {
      nodes.replaceAll(n -> n.renamed(v -> v.equals(value) ? output.name() : v));
      outputOf.put(value, output.name());
    } else {
      String nodeName = unique(output.name() + "/Identity", nodeNames);
      nodes.add(
          new OnnxNode(nodeName, "Identity", List.of(), List.of(source), List.of(output.name())));
    }
    outputs.add(output);
  }

  private String unique(String wanted, Set<String> names) {
    if (names.add(wanted)) {
      return wanted;
    }
    int n = lastSuffix.getOrDefault(wanted, 0);
    String candidate;
    do {
      n++;
      candidate = wanted + "_" + n;
    } while (!names.add(candidate));
    lastSuffix.put(wanted, n);
    return candidate;
  }

  public List<ValueInfo> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  public List<ValueInfo> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** Constants in order of first use. */
  public List<Initializer> initializers() {
    return List.copyOf(initializers.values());
  }

  public List<OnnxNode> nodes() {
    return Collections.unmodifiableList(nodes);
  }

  /** The graph in file form, without its constants. */
  GraphProto.Builder toProtoWithoutInitializers() {
    GraphProto.Builder graph = GraphProto.newBuilder().setName(name);
    inputs.forEach(v -> graph.addInput(proto(v)));
    outputs.forEach(v -> graph.addOutput(proto(v)));
    for (OnnxNode node : nodes) {
      NodeProto.Builder p =
          NodeProto.newBuilder()
              .setName(node.name())
              .setOpType(node.operator())
              .addAllInput(node.inputs())
              .addAllOutput(node.outputs());
      node.attributes().forEach(a -> p.addAttribute(a.toProto()));
      graph.addNode(p);
    }
    return graph;
  }

  static TensorProto.Builder header(Initializer constant) {
    return TensorProto.newBuilder()
        .setName(constant.name())
        .setDataType(constant.type().code())
        .addAllDims(constant.dims());
  }

  private static ValueInfoProto proto(ValueInfo value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Dimension d : value.dims()) {
      TensorShapeProto.Dimension.Builder dim = TensorShapeProto.Dimension.newBuilder();
      shape.addDim(d.symbol() == null ? dim.setDimValue(d.size()) : dim.setDimParam(d.symbol()));
    }
    return ValueInfoProto.newBuilder()
        .setName(value.name())
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(value.type().code()).setShape(shape)))
        .build();
  }
}
