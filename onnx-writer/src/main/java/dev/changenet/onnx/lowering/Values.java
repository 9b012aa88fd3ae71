package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/** What each traced variable became in the graph, and the conversions between its two forms. */
final class Values {
  private final Emitter emitter;
  private final boolean dynamicBatch;
  private final OpenSizes sizes;
  private final Map<Variable, LoweredValue> values = new IdentityHashMap<>();
  private final Map<Storage, Variable> computed = new IdentityHashMap<>();

  Values(Emitter emitter, boolean dynamicBatch, OpenSizes sizes) {
    this.emitter = emitter;
    this.sizes = sizes;
    this.dynamicBatch = dynamicBatch;
  }

  boolean dynamicBatch() {
    return dynamicBatch;
  }

  /** Records what {@code v} became. */
  void put(Variable v, LoweredValue value) {
    if (v.shape().rank() == 4 && !value.hasGrid()) {
      value.grid(v.dim(1), v.dim(2));
    }
    values.put(v, value);
    if (!value.isConstant()) {
      computed.put(v.data().storage(), v);
    }
    if (value.hasGrid() && value.name(Form.MAP) != null) {
      sizes.put(value.height(), value.width(), value.name(Form.MAP));
    }
  }

  /** Records the result of a node. */
  LoweredValue put(Variable v, Form form, String name) {
    LoweredValue value = LoweredValue.computed(form, name);
    put(v, value);
    return value;
  }

  /** What {@code v} became; a leaf that nobody computes is a constant. */
  LoweredValue of(Variable v) {
    LoweredValue known = values.get(v);
    if (known != null) {
      return known;
    }
    Variable same = computed.get(v.data().storage());
    if (same != null && !same.data().isClosed()) {
      // A variable wrapped anew around a computed tensor, as when a gradient is cut off.
      if (!same.shape().equals(v.shape())) {
        throw new OnnxException(
            "export: a tensor of shape "
                + same.shape()
                + " was used as shape "
                + v.shape()
                + " without a traced operation");
      }
      values.put(v, of(same));
      return of(same);
    }
    LoweredValue leaf =
        LoweredValue.constant(v.data(), emitter.constants().nameOf(v.data(), "constant"));
    put(v, leaf);
    return leaf;
  }

  boolean isConstant(Variable v) {
    return of(v).isConstant();
  }

  /** The tensor of a weight, which must be known at export. */
  Tensor weight(Trace.Node node, int input) {
    LoweredValue value = of(node.inputs().get(input));
    if (!value.isConstant()) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " has a weight (input "
              + input
              + ") that depends on the network's inputs");
    }
    return value.constant();
  }

  /** Name of the constant that holds weight {@code input}. */
  String weightName(Trace.Node node, int input) {
    return of(node.inputs().get(input)).constantName();
  }

  /** A constant with one element per channel, shaped to broadcast in {@code form}. */
  String vector(Trace.Node node, int input, Form form) {
    Tensor t = weight(node, input);
    long c = t.elements();
    return form == Form.MAP
        ? emitter.constants().plain(t, weightName(node, input), c, 1, 1)
        : emitter.constants().plain(t, weightName(node, input), c);
  }

  /** A bias for a node that wants the shape [C], or null when absent. */
  String bias(Trace.Node node, int input) {
    return node.inputs().get(input) == null ? null : vector(node, input, Form.ROWS);
  }

  /** Name of {@code v} in {@code form}, converting when it exists in the other one only. */
  String name(Variable v, Form form) {
    LoweredValue value = of(v);
    if (value.isConstant()) {
      return constant(v.shape().toArray(), value, value, form);
    }
    if (value.name(form) == null) {
      value.add(form, form == Form.ROWS ? toRows(value) : toMap(v, value));
    }
    return value.name(form);
  }

  private String toRows(LoweredValue value) {
    String flat = emitter.reshape(value.name(Form.MAP), 0, 0, -1);
    return emitter.transpose(flat, 0, 2, 1);
  }

  private String toMap(Variable v, LoweredValue value) {
    if (!value.hasGrid()) {
      throw new OnnxException(
          "export: tokens of shape " + v.shape() + " are used as a map of unknown size");
    }
    String channelsFirst = emitter.transpose(value.name(Form.ROWS), 0, 2, 1);
    if (sizes.open()) {
      return emitter.node("Reshape", channelsFirst, sizes.shape(value.height(), value.width()));
    }
    return emitter.reshape(channelsFirst, 0, 0, value.height(), value.width());
  }

  /**
   * Stores a constant used as an operand.
   *
   * @param shape its shape in the engine's order
   * @param grid a value that knows the map size, for MAP
   */
  String constant(int[] shape, LoweredValue value, LoweredValue grid, Form form) {
    Tensor t = value.constant();
    if (dynamicBatch && shape.length >= 3 && shape[0] != 1) {
      throw new OnnxException(
          "export: constant "
              + value.constantName()
              + " of shape "
              + Arrays.toString(shape)
              + " holds the traced batch size: trace with batch 1 or export with a fixed batch");
    }
    sizes.refuseConstant(value.constantName(), shape);
    Constants constants = emitter.constants();
    if (form == Form.MAP) {
      int c = shape[shape.length - 1];
      int h = grid.height();
      int w = grid.width();
      return constants.transposed(t, value.constantName(), shape[0], h * w, c, shape[0], c, h, w);
    }
    return shape.length == 4
        ? constants.plain(t, value.constantName(), shape[0], (long) shape[1] * shape[2], shape[3])
        : constants.plain(t, value.constantName(), longs(shape));
  }

  static long[] longs(int[] shape) {
    long[] dims = new long[shape.length];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape[i];
    }
    return dims;
  }

  /** The form that belongs to a variable's rank: maps have four dimensions. */
  static Form natural(Variable v) {
    return v.shape().rank() == 4 ? Form.MAP : Form.ROWS;
  }

  /**
   * The form in which {@code operands}, of one shape, need the fewest conversions; the natural form
   * of the first one when it makes no difference.
   */
  Form cheapest(Variable... operands) {
    Form natural = natural(operands[0]);
    Form other = natural == Form.MAP ? Form.ROWS : Form.MAP;
    LoweredValue grid = null;
    for (Variable v : operands) {
      if (of(v).hasGrid()) {
        grid = of(v);
      }
    }
    if (grid == null) {
      return Form.ROWS;
    }
    int missing = 0;
    for (Variable v : operands) {
      LoweredValue value = of(v);
      if (!value.hasGrid()) {
        value.gridOf(grid);
      }
      missing += (value.has(natural) ? 0 : 1) - (value.has(other) ? 0 : 1);
    }
    return missing > 0 ? other : natural;
  }
}
