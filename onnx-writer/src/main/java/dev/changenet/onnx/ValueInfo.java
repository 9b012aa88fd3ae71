package dev.changenet.onnx;

import java.util.List;

/** Name, element type and shape of a graph input or output. */
public record ValueInfo(String name, ElementType type, List<Dimension> dims) {
  public ValueInfo {
    dims = List.copyOf(dims);
  }
}
