package dev.changenet.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * A constant tensor stored in the model.
 *
 * @param data elements in row-major order, little-endian
 */
public record Initializer(String name, ElementType type, List<Long> dims, ByteString data) {
  public Initializer {
    dims = List.copyOf(dims);
    long elements = dims.stream().reduce(1L, Math::multiplyExact);
    if (elements * type.bytes() != data.size()) {
      throw new IllegalArgumentException(
          "initializer "
              + name
              + ": shape "
              + dims
              + " needs "
              + elements * type.bytes()
              + " bytes, got "
              + data.size());
    }
  }

  /** A float32 constant of shape {@code dims}. */
  public static Initializer of(String name, float[] values, long... dims) {
    byte[] raw = new byte[Math.multiplyExact(4, values.length)];
    ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    return new Initializer(
        name, ElementType.FLOAT, boxed(dims), UnsafeByteOperations.unsafeWrap(raw));
  }

  /** An int64 list. */
  public static Initializer of(String name, long... values) {
    byte[] raw = new byte[Math.multiplyExact(8, values.length)];
    ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(values);
    return new Initializer(
        name,
        ElementType.INT64,
        List.of((long) values.length),
        UnsafeByteOperations.unsafeWrap(raw));
  }

  /** An int64 without dimensions. */
  public static Initializer scalar(String name, long value) {
    Initializer one = of(name, value);
    return new Initializer(name, ElementType.INT64, List.of(), one.data());
  }

  /** The same constant under another name. */
  public Initializer named(String newName) {
    return new Initializer(newName, type, dims, data);
  }

  private static List<Long> boxed(long... dims) {
    return Arrays.stream(dims).boxed().toList();
  }
}
