package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Op;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.Attribute;
import dev.changenet.onnx.ElementType;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Heights and widths in a graph of open size. A traced size stands for whatever size the maps of
 * that traced size have at run time: the graph asks one of them.
 */
final class OpenSizes {
  private final Emitter emitter;
  private final Optional<SineTable> positions;

  /** A map of each traced size, by name. */
  private final Map<List<Integer>, String> maps = new HashMap<>();

  private final Map<List<Integer>, String> shapes = new HashMap<>();

  OpenSizes(Emitter emitter, Optional<SineTable> positions) {
    this.emitter = emitter;
    this.positions = positions;
  }

  /** True when sizes are open. */
  boolean open() {
    return positions.isPresent();
  }

  /** Remembers that the map {@code name} has a traced size. */
  void put(int height, int width, String name) {
    maps.putIfAbsent(List.of(height, width), name);
  }

  /** The shape that turns [B, C, N] into a map of a traced size, as a list of four. */
  String shape(int height, int width) {
    List<Integer> size = List.of(height, width);
    return shapes.computeIfAbsent(
        size,
        k ->
            emitter.concat(
                0, emitter.constants().ints(0, 0), emitter.shape(source(height, width), 2, 4)));
  }

  private String source(int height, int width) {
    String map = maps.get(List.of(height, width));
    if (map == null) {
      throw new OnnxException(
          "export: no map of "
              + height
              + " x "
              + width
              + " was computed before tokens of that size: the size can't be left open");
    }
    return map;
  }

  /** Refuses a constant operand with an element for each place of a map. */
  void refuseConstant(String name, int[] shape) {
    int places = 1;
    for (int i = 1; i < shape.length - 1; i++) {
      places *= shape[i];
    }
    if (open() && places > 1) {
      throw fixed("constant " + name + " of shape " + Arrays.toString(shape));
    }
  }

  /** Refuses an operation whose settings hold the traced size. */
  void refuse(Trace.Node node) {
    if (open()) {
      throw fixed(GraphLowering.describe(node));
    }
  }

  private static OnnxException fixed(String what) {
    return new OnnxException(
        "export: " + what + " holds the traced size, so height and width can't be left open");
  }

  /** True for the linear layer that projects the table of positions. */
  boolean projectsPositions(Trace.Node node, Values values) {
    if (!open() || node.function().op() != Op.LINEAR) {
      return false;
    }
    Variable table = node.inputs().get(0);
    return values.isConstant(table)
        && !table.data().isClosed()
        && positions.get().matches(table.data());
  }

  /**
   * The projected table [1, C, h, w] for the size at run time: the projections of the rows' and of
   * the columns' channels, added.
   */
  String positions(Trace.Node node, Values values) {
    SineTable table = positions.get();
    Variable x = node.inputs().get(0);
    Tensor weight = values.weight(node, 1);
    String name = values.weightName(node, 1);
    int out = weight.dim(0);
    String map = source(x.dim(1), x.dim(2));
    String rows = axis(map, 2, table, part(weight, name, out, table.channels(), 0));
    if (node.inputs().get(2) != null) {
      rows = emitter.node("Add", rows, values.vector(node, 2, Form.ROWS));
    }
    String columns = axis(map, 3, table, part(weight, name, out, table.channels(), 1));
    return emitter.node(
        "Add",
        emitter.reshape(emitter.transpose(rows, 1, 0), 1, out, -1, 1),
        emitter.reshape(emitter.transpose(columns, 1, 0), 1, out, 1, -1));
  }

  /** The half of the weight [out, 2·channels] for rows or columns, as [channels, out]. */
  private String part(Tensor weight, String name, int out, int channels, int half) {
    return emitter
        .constants()
        .derived(
            List.of(weight),
            half == 0 ? "_rows_transposed" : "_columns_transposed",
            name,
            () -> {
              float[] all = weight.toFloatArray();
              float[] part = new float[channels * out];
              for (int o = 0; o < out; o++) {
                for (int c = 0; c < channels; c++) {
                  part[c * out + o] = all[(2 * o + half) * channels + c];
                }
              }
              return part;
            },
            channels,
            out);
  }

  /** The projected sines along axis {@code axis} of a map, [n, C]. */
  private String axis(String map, int axis, SineTable table, String weight) {
    Constants constants = emitter.constants();
    String index = constants.index(axis);
    String n =
        emitter.node(
            "Cast",
            List.of(Attribute.of("to", ElementType.FLOAT.code())),
            emitter.node(
                "Gather", List.of(Attribute.of("axis", 0)), emitter.node("Shape", map), index));
    String one = constants.scalar(1f);
    String places = emitter.node("Range", one, emitter.node("Add", n, one), one);
    String relative =
        emitter.node("Div", places, emitter.node("Add", n, constants.scalar((float) table.eps())));
    String turns =
        emitter.node(
            "Mul",
            emitter.reshape(relative, -1, 1),
            constants.floats("frequencies", table.frequencies(), table.channels()));
    String sines =
        emitter.node(
            "Sin",
            emitter.node(
                "Add", turns, constants.floats("phases", table.phases(), table.channels())));
    return emitter.node("MatMul", sines, weight);
  }
}
