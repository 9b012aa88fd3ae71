package dev.changenet.inspect;

import java.util.List;

/**
 * A named tensor of a network or a file.
 *
 * @param name full state-dict name, without a leading {@code model.} where a network is known
 * @param dtype PyTorch's name of the element type
 * @param shape PyTorch's layout
 * @param kind parameter or buffer
 */
public record TensorInfo(String name, String dtype, List<Integer> shape, Kind kind) {
  /** What a tensor is for. */
  public enum Kind {
    /** A parameter that training changes. */
    TRAINABLE,
    /** A parameter that training leaves alone. */
    FROZEN,
    /** State that isn't trained: running statistics, counters. */
    BUFFER
  }

  public TensorInfo {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  public long elements() {
    return shape.stream().mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
  }
}
