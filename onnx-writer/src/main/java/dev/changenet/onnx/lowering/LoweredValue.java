package dev.changenet.onnx.lowering;

import dev.changenet.tensor.Tensor;

/**
 * Where the content of a traced variable is found in the graph: its name in either form, or the
 * tensor when it is known at export. Views of one variable share one object.
 */
final class LoweredValue {
  private String map;
  private String rows;
  private int height = -1;
  private int width = -1;
  private final Tensor constant;
  private final String constantName;

  private LoweredValue(Tensor constant, String constantName) {
    this.constant = constant;
    this.constantName = constantName;
  }

  static LoweredValue computed(Form form, String name) {
    LoweredValue v = new LoweredValue(null, null);
    v.add(form, name);
    return v;
  }

  static LoweredValue constant(Tensor tensor, String name) {
    return new LoweredValue(tensor, name);
  }

  boolean isConstant() {
    return constant != null;
  }

  Tensor constant() {
    return constant;
  }

  String constantName() {
    return constantName;
  }

  /** True when the value can be had in {@code form} without a conversion. */
  boolean has(Form form) {
    return isConstant() || name(form) != null;
  }

  String name(Form form) {
    return form == Form.MAP ? map : rows;
  }

  void add(Form form, String name) {
    if (form == Form.MAP) {
      map = name;
    } else {
      rows = name;
    }
  }

  /** Declares that the rows are the pixels of a map of this size, row by row. */
  LoweredValue grid(int h, int w) {
    height = h;
    width = w;
    return this;
  }

  /** Takes over the map size of {@code other}. */
  LoweredValue gridOf(LoweredValue other) {
    return grid(other.height, other.width);
  }

  boolean hasGrid() {
    return height > 0;
  }

  boolean hasGrid(int h, int w) {
    return height == h && width == w;
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }
}
