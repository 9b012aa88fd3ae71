package dev.changenet.onnx.lowering;

import dev.changenet.onnx.Attribute;
import dev.changenet.onnx.OnnxGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/** Appends nodes, hiding the differences between operator sets. */
final class Emitter {
  private final OnnxGraph graph;
  private final Constants constants;
  private final int opset;
  private String scope = "";

  Emitter(OnnxGraph graph, Constants constants, int opset) {
    this.graph = graph;
    this.constants = constants;
    this.opset = opset;
  }

  int opset() {
    return opset;
  }

  Constants constants() {
    return constants;
  }

  /** Names the module that the following nodes belong to. */
  void enter(String path) {
    scope = path;
  }

  String scope() {
    return scope;
  }

  /** A node without attributes. */
  String node(String operator, String... inputs) {
    return node(operator, List.of(), inputs);
  }

  String node(String operator, List<Attribute> attributes, String... inputs) {
    return graph.addNode(operator, scope, attributes, inputs);
  }

  String transpose(String x, long... perm) {
    return node("Transpose", List.of(Attribute.of("perm", perm)), x);
  }

  /** Reshape; 0 keeps a size, −1 is inferred. */
  String reshape(String x, long... dims) {
    return node("Reshape", x, constants.ints(dims));
  }

  String concat(int axis, String... parts) {
    return node("Concat", List.of(Attribute.of("axis", axis)), parts);
  }

  String slice(String x, int axis, long start, long end) {
    return node("Slice", x, constants.ints(start), constants.ints(end), constants.ints(axis));
  }

  /** Mean over one axis, which stays with size 1. */
  String reduceMean(String x, int axis) {
    return reduce("ReduceMean", opset >= 18, x, axis);
  }

  /** Sum over one axis, which stays with size 1. */
  String reduceSum(String x, int axis) {
    return reduce("ReduceSum", opset >= 13, x, axis);
  }

  private String reduce(String operator, boolean axesAreInput, String x, int axis) {
    Attribute keep = Attribute.of("keepdims", 1);
    return axesAreInput
        ? node(operator, List.of(keep), x, constants.ints(axis))
        : node(operator, List.of(Attribute.of("axes", new long[] {axis}), keep), x);
  }

  /** Softmax over the last axis of a value with {@code rank} dimensions. */
  String softmaxLast(String x, int rank) {
    return node("Softmax", List.of(Attribute.of("axis", rank - 1)), x);
  }

  /** Softmax over the tokens of [B, N, C]. */
  String softmaxTokens(String x) {
    if (opset >= 13) {
      return node("Softmax", List.of(Attribute.of("axis", 1)), x);
    }
    // Before set 13 Softmax flattens everything behind its axis, so the axis has to be the last.
    return transpose(softmaxLast(transpose(x, 0, 2, 1), 3), 0, 2, 1);
  }

  /** Exact GELU. */
  String gelu(String x) {
    if (opset >= 20) {
      return node("Gelu", List.of(Attribute.of("approximate", "none")), x);
    }
    String erf = node("Erf", node("Div", x, constants.scalar((float) Math.sqrt(2))));
    String doubled = node("Mul", x, node("Add", erf, constants.scalar(1f)));
    return node("Mul", doubled, constants.scalar(0.5f));
  }

  /**
   * Layer norm made of elementary operators.
   *
   * @param axis channel axis
   * @param weight constant that broadcasts along that axis
   * @param unbiased true to divide the variance by channels − 1
   */
  String layerNorm(
      String x, int axis, String weight, String bias, double eps, boolean unbiased, int channels) {
    String centred = node("Sub", x, reduceMean(x, axis));
    String variance = reduceMean(node("Mul", centred, centred), axis);
    if (unbiased) {
      variance = node("Mul", variance, constants.scalar((float) (channels / (channels - 1.0))));
    }
    String deviation = node("Sqrt", node("Add", variance, constants.scalar((float) eps)));
    return node("Add", node("Mul", node("Div", centred, deviation), weight), bias);
  }

  /** The size of axis 0 as a list of one element. */
  String batchSize(String x) {
    return shape(x, 0, 1);
  }

  /** The sizes of axes {@code start} to {@code end} − 1 as a list. */
  String shape(String x, int start, int end) {
    if (opset >= 15) {
      return node("Shape", List.of(Attribute.of("start", start), Attribute.of("end", end)), x);
    }
    return slice(node("Shape", x), 0, start, end);
  }

  /** Convolution or transposed convolution with square stride and padding. */
  String convolution(String operator, String x, String weight, String bias, Geometry geometry) {
    List<String> in = new ArrayList<>(List.of(x, weight));
    if (bias != null) {
      in.add(bias);
    }
    long p = geometry.padding();
    long s = geometry.stride();
    return node(
        operator,
        List.of(
            Attribute.of("dilations", 1, 1),
            Attribute.of("group", geometry.groups()),
            Attribute.of("kernel_shape", geometry.kernelHeight(), geometry.kernelWidth()),
            Attribute.of("pads", LongStream.of(p, p, p, p).toArray()),
            Attribute.of("strides", s, s)),
        in.toArray(String[]::new));
  }

  /** Sizes of a convolution. */
  record Geometry(int kernelHeight, int kernelWidth, int stride, int padding, int groups) {}
}
