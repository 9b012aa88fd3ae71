package dev.changenet.onnx.interpreter;

import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.OnnxFile;
import dev.changenet.onnx.proto.GraphProto;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.onnx.proto.NodeProto;
import dev.changenet.onnx.proto.TensorProto;
import dev.changenet.onnx.proto.ValueInfoProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Runs an ONNX file node by node. Knows the operators that exported networks consist of, in
 * operator sets 12 to 24. Constants are decoded when a node needs them, results freed after their
 * last use.
 */
public final class OnnxInterpreter implements OnnxEngine {
  private final Path file;
  private final GraphProto graph;
  private final int opset;
  private final ConstantReader reader;
  private final Map<String, TensorProto> constants = new HashMap<>();

  private OnnxInterpreter(Path file, ModelProto model) {
    this.file = file;
    this.graph = model.getGraph();
    this.opset = Math.toIntExact(model.getOpsetImport(0).getVersion());
    this.reader = new ConstantReader(file);
    graph.getInitializerList().forEach(t -> constants.put(t.getName(), t));
    TreeSet<String> unknown = new TreeSet<>();
    for (NodeProto node : graph.getNodeList()) {
      if (!node.getDomain().isEmpty() || Operators.find(node.getOpType()) == null) {
        unknown.add(node.getOpType());
      }
    }
    if (!unknown.isEmpty()) {
      throw new OnnxException(
          file + ": the ONNX interpreter doesn't know operator " + String.join(", ", unknown));
    }
  }

  /**
   * Reads {@code file}.
   *
   * @throws OnnxException when it isn't an ONNX model or uses an operator that isn't known
   */
  public static OnnxInterpreter open(Path file) {
    return of(OnnxFile.read(file), file);
  }

  /**
   * Interprets {@code model}, read from {@code file}, beside which external constants lie.
   *
   * @throws OnnxException as {@link #open}
   */
  public static OnnxInterpreter of(ModelProto model, Path file) {
    if (model.getOpsetImportCount() == 0) {
      throw new OnnxException(file + ": the model names no operator set");
    }
    return new OnnxInterpreter(file, model);
  }

  @Override
  public String name() {
    return "ONNX interpreter";
  }

  /** Names of the outputs, in order. */
  private List<String> outputs() {
    return graph.getOutputList().stream().map(ValueInfoProto::getName).toList();
  }

  @Override
  public Map<String, NdArray> run(Map<String, NdArray> inputs) {
    Map<String, NdArray> values = new HashMap<>();
    for (ValueInfoProto input : graph.getInputList()) {
      NdArray x = inputs.get(input.getName());
      if (x == null) {
        throw new OnnxException(file + ": no value for input " + input.getName());
      }
      values.put(input.getName(), x);
    }
    Map<String, Integer> uses = uses();
    for (NodeProto node : graph.getNodeList()) {
      values.put(node.getOutput(0), compute(node, values));
      for (String name : node.getInputList()) {
        if (uses.merge(name, -1, Integer::sum) == 0) {
          values.remove(name);
        }
      }
    }
    Map<String, NdArray> results = new LinkedHashMap<>();
    for (String name : outputs()) {
      results.put(name, value(name, values));
    }
    return results;
  }

  private Map<String, Integer> uses() {
    Map<String, Integer> uses = new HashMap<>();
    graph.getNodeList().forEach(n -> n.getInputList().forEach(i -> uses.merge(i, 1, Integer::sum)));
    outputs().forEach(name -> uses.merge(name, 1, Integer::sum));
    return uses;
  }

  private NdArray compute(NodeProto node, Map<String, NdArray> values) {
    List<NdArray> operands = new ArrayList<>();
    for (String name : node.getInputList()) {
      operands.add(name.isEmpty() ? null : value(name, values));
    }
    Call call = new Call(node, opset, operands);
    try {
      return Operators.find(node.getOpType()).compute(call);
    } catch (IllegalStateException | IllegalArgumentException | ArithmeticException e) {
      OnnxException wrapped =
          call.error("can't be computed on " + operands + ": " + e.getMessage());
      wrapped.initCause(e);
      throw wrapped;
    } catch (IndexOutOfBoundsException e) {
      OnnxException wrapped = call.error("reaches outside its operands " + operands);
      wrapped.initCause(e);
      throw wrapped;
    }
  }

  private NdArray value(String name, Map<String, NdArray> values) {
    NdArray known = values.get(name);
    if (known != null) {
      return known;
    }
    TensorProto constant = constants.get(name);
    if (constant == null) {
      throw new OnnxException(file + ": value " + name + " is used before any node computes it");
    }
    return reader.read(constant);
  }

  @Override
  public void close() {
    reader.close();
  }
}
