package dev.changenet.onnx.interpreter;

import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.proto.AttributeProto;
import dev.changenet.onnx.proto.NodeProto;
import java.util.List;

/**
 * One node with its operands.
 *
 * @param opset operator set of the model
 * @param inputs operands in order, null for absent ones
 */
record Call(NodeProto node, int opset, List<NdArray> inputs) {
  NdArray input(int i) {
    NdArray x = optional(i);
    if (x == null) {
      throw error("lacks input " + i);
    }
    return x;
  }

  /** Operand {@code i}, or null when it is absent. */
  NdArray optional(int i) {
    return i < inputs.size() ? inputs.get(i) : null;
  }

  private AttributeProto attribute(String name) {
    for (AttributeProto a : node.getAttributeList()) {
      if (a.getName().equals(name)) {
        return a;
      }
    }
    return null;
  }

  int integer(String name, int otherwise) {
    AttributeProto a = attribute(name);
    return a == null ? otherwise : Math.toIntExact(a.getI());
  }

  float number(String name, float otherwise) {
    AttributeProto a = attribute(name);
    return a == null ? otherwise : a.getF();
  }

  String text(String name, String otherwise) {
    AttributeProto a = attribute(name);
    return a == null ? otherwise : a.getS().toStringUtf8();
  }

  /** A list of integers, or {@code otherwise} (may be null) when it is absent. */
  int[] integers(String name, int... otherwise) {
    AttributeProto a = attribute(name);
    return a == null ? otherwise : toInts(a.getIntsList().stream().mapToLong(v -> v).toArray());
  }

  static int[] toInts(long[] values) {
    int[] out = new int[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = Math.toIntExact(values[i]);
    }
    return out;
  }

  /** Refuses a setting that the interpreter doesn't compute. */
  void require(boolean known, String setting) {
    if (!known) {
      throw error("has " + setting + ", which the interpreter doesn't know");
    }
  }

  OnnxException error(String problem) {
    return new OnnxException(
        "ONNX interpreter: node " + node.getName() + " (" + node.getOpType() + ") " + problem);
  }
}
