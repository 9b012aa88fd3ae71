package dev.changenet.onnx;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * One operation of a graph.
 *
 * @param name unique readable name
 * @param operator ONNX operator type, such as {@code Conv}
 * @param inputs value names; an empty name stands for an absent optional input
 */
public record OnnxNode(
    String name,
    String operator,
    List<Attribute> attributes,
    List<String> inputs,
    List<String> outputs) {
  public OnnxNode {
    attributes = List.copyOf(attributes);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  OnnxNode renamed(UnaryOperator<String> rename) {
    return new OnnxNode(
        name,
        operator,
        attributes,
        inputs.stream().map(rename).toList(),
        outputs.stream().map(rename).toList());
  }
}
