package dev.changenet.onnx.interpreter;

import java.util.Arrays;

/** A tensor of float32 or int64 elements in row-major order. The arrays are not copied. */
public final class NdArray {
  private final int[] dims;
  private final float[] floats;
  private final long[] longs;

  private NdArray(int[] dims, float[] floats, long[] longs) {
    this.dims = dims;
    this.floats = floats;
    this.longs = longs;
    int length = floats != null ? floats.length : longs.length;
    if (count(dims) != length) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(dims) + " has " + count(dims) + " elements, got " + length);
    }
  }

  public static NdArray of(float[] values, int... dims) {
    return new NdArray(dims.clone(), values, null);
  }

  public static NdArray of(long[] values, int... dims) {
    return new NdArray(dims.clone(), null, values);
  }

  /** Elements of shape {@code dims}. */
  static int count(int... dims) {
    int n = 1;
    for (int d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  boolean isFloat() {
    return floats != null;
  }

  /** The elements themselves. */
  public float[] floats() {
    if (floats == null) {
      throw new IllegalStateException("expected float elements, got int64");
    }
    return floats;
  }

  long[] longs() {
    if (longs == null) {
      throw new IllegalStateException("expected int64 elements, got float");
    }
    return longs;
  }

  public int[] dims() {
    return dims.clone();
  }

  int dim(int axis) {
    return dims[axis < 0 ? axis + dims.length : axis];
  }

  int rank() {
    return dims.length;
  }

  int size() {
    return floats != null ? floats.length : longs.length;
  }

  /** The same elements in another shape. */
  NdArray shaped(int... shape) {
    return new NdArray(shape.clone(), floats, longs);
  }

  /** {@code values}, of this element type, in shape {@code shape}. */
  NdArray like(Object values, int... shape) {
    return isFloat() ? of((float[]) values, shape) : of((long[]) values, shape);
  }

  /** The array itself, for copies that don't look at the elements. */
  Object elements() {
    return floats != null ? floats : longs;
  }

  Object empty(int length) {
    return floats != null ? new float[length] : new long[length];
  }

  @Override
  public String toString() {
    return (isFloat() ? "float" : "int64") + Arrays.toString(dims);
  }
}
