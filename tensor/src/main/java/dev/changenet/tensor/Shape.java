package dev.changenet.tensor;

import java.util.Arrays;

/** Sizes of a tensor's dimensions, outermost first; tensors are always contiguous and row-major. */
public final class Shape {
  private final int[] dims;
  private final long elements;

  private Shape(int[] dims) {
    this.dims = dims;
    long n = 1;
    for (int d : dims) {
      if (d < 0) {
        throw new IllegalArgumentException("negative size in shape " + Arrays.toString(dims));
      }
      n = Math.multiplyExact(n, d);
    }
    this.elements = n;
  }

  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  public int rank() {
    return dims.length;
  }

  /** Returns the size of dimension {@code i}; negative {@code i} counts from the end. */
  public int dim(int i) {
    return dims[i < 0 ? dims.length + i : i];
  }

  /** Product of all sizes; 1 for a scalar. */
  public long elements() {
    return elements;
  }

  /** Product of all sizes but the last: the number of rows. */
  public int rows() {
    return dims.length == 0 || dim(-1) == 0 ? 1 : Math.toIntExact(elements / dim(-1));
  }

  /** Returns a copy of the sizes. */
  public int[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** Prints as {@code [2, 3]}. */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
