package dev.changenet.nn.state;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A tensor of a weight file: type, shape and a strided view of a storage that it may share with
 * other tensors.
 *
 * <p>Tensors read from a file are views of the mapped file: values are only copied to the heap when
 * asked for. Tensors made with the factories view the given array without a copy, so the array must
 * stay unchanged until the tensor was written.
 */
public final class StoredTensor {
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

  private final Storage storage;
  private final int[] shape;
  private final long[] stride;
  private final long storageOffset;
  private final long count;

  /**
   * Makes a view.
   *
   * @throws IllegalArgumentException if the view reaches outside the storage
   */
  StoredTensor(Storage storage, int[] shape, long[] stride, long storageOffset) {
    this.storage = storage;
    this.shape = shape.clone();
    this.stride = stride.clone();
    this.storageOffset = storageOffset;
    this.count = checkedCount();
  }

  private long checkedCount() {
    if (stride.length != shape.length || storageOffset < 0) {
      throw outside();
    }
    try {
      long elements = 1;
      long last = storageOffset;
      for (int i = 0; i < shape.length; i++) {
        if (shape[i] < 0 || stride[i] < 0) {
          throw outside();
        }
        elements = Math.multiplyExact(elements, (long) shape[i]);
        if (shape[i] > 0) {
          last = Math.addExact(last, Math.multiplyExact(shape[i] - 1L, stride[i]));
        }
      }
      if (elements > 0 && last >= storage.count()) {
        throw outside();
      }
      return elements;
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(outside().getMessage(), e);
    }
  }

  private IllegalArgumentException outside() {
    return new IllegalArgumentException(
        "a tensor of shape "
            + Arrays.toString(shape)
            + ", strides "
            + Arrays.toString(stride)
            + " and offset "
            + storageOffset
            + " doesn't fit its storage of "
            + storage.count()
            + " elements");
  }

  /**
   * Returns a float32 tensor over the first elements of {@code data}, without copying.
   *
   * @param data row-major values; may be longer than the shape needs
   */
  public static StoredTensor ofFloats(int[] shape, float[] data) {
    int n = count(shape, data.length);
    float[] little = data;
    if (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN) {
      little = new float[n];
      MemorySegment.copy(data, 0, MemorySegment.ofArray(little), F32, 0, n);
    }
    return contiguous(StoredType.FLOAT32, shape, n, MemorySegment.ofArray(little));
  }

  /** Returns a float64 tensor with a copy of the first elements of {@code data}. */
  public static StoredTensor ofDoubles(int[] shape, double[] data) {
    int n = count(shape, data.length);
    MemorySegment bytes = MemorySegment.ofArray(new long[n]);
    MemorySegment.copy(data, 0, bytes, F64, 0, n);
    return contiguous(StoredType.FLOAT64, shape, n, bytes);
  }

  /** Returns an int64 tensor with a copy of the first elements of {@code data}. */
  public static StoredTensor ofLongs(int[] shape, long[] data) {
    int n = count(shape, data.length);
    MemorySegment bytes = MemorySegment.ofArray(new long[n]);
    MemorySegment.copy(data, 0, bytes, I64, 0, n);
    return contiguous(StoredType.INT64, shape, n, bytes);
  }

  /**
   * Returns a tensor of any type over little-endian elements, without copying.
   *
   * @param data at least as many bytes as the shape needs
   */
  public static StoredTensor ofBytes(StoredType type, int[] shape, byte[] data) {
    int n = count(shape, data.length / type.bytes());
    return contiguous(type, shape, n, MemorySegment.ofArray(data));
  }

  /** Returns a float32 tensor without dimensions. */
  public static StoredTensor floatScalar(float value) {
    return ofFloats(new int[0], new float[] {value});
  }

  /** Returns an int64 tensor without dimensions. */
  public static StoredTensor longScalar(long value) {
    return ofLongs(new int[0], new long[] {value});
  }

  private static StoredTensor contiguous(StoredType type, int[] shape, int n, MemorySegment bytes) {
    Storage storage = new Storage(type, n, bytes.asSlice(0, (long) n * type.bytes()));
    return new StoredTensor(storage, shape, contiguousStride(shape), 0);
  }

  /** Returns the strides of a row-major tensor, counted in elements. */
  static long[] contiguousStride(int[] shape) {
    long[] stride = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      stride[i] = step;
      step *= Math.max(shape[i], 1);
    }
    return stride;
  }

  private static int count(int[] shape, int available) {
    long n = 1;
    for (int d : shape) {
      n = d < 0 ? -1 : Math.multiplyExact(n, (long) d);
      if (n < 0) {
        break;
      }
    }
    if (n < 0 || n > available) {
      throw new IllegalArgumentException(
          "shape "
              + Arrays.toString(shape)
              + " needs more than the given "
              + available
              + " values");
    }
    return (int) n;
  }

  public StoredType type() {
    return storage.type();
  }

  public int[] shape() {
    return shape.clone();
  }

  /** Returns the strides in elements. */
  public long[] stride() {
    return stride.clone();
  }

  /** Returns the position of the first element in the storage, in elements. */
  public long storageOffset() {
    return storageOffset;
  }

  /** Returns the number of elements. */
  public long count() {
    return count;
  }

  /** Returns true if both tensors view the same stored elements. */
  public boolean sharesStorageWith(StoredTensor other) {
    return storage == other.storage;
  }

  Storage storage() {
    return storage;
  }

  /** Returns true if the elements follow each other in row-major order. */
  public boolean isContiguous() {
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] != 1 && stride[i] != step) {
        return count == 0;
      }
      step *= shape[i];
    }
    return true;
  }

  /** Returns the elements in row-major order, converted to float32. */
  public float[] toFloats() {
    float[] out = new float[arrayCount()];
    copyTo(out, 0);
    return out;
  }

  /**
   * Copies the elements in row-major order, converted to float32, to {@code target} from position
   * {@code at} on.
   */
  public void copyTo(float[] target, int at) {
    int n = arrayCount();
    if (at < 0 || at > target.length - n) {
      throw new IllegalArgumentException(
          "copying " + n + " elements to position " + at + " of an array of " + target.length);
    }
    if (type() == StoredType.FLOAT32 && isContiguous()) {
      copyFloats(target, at, n);
      return;
    }
    Walk walk = new Walk();
    for (int i = 0; i < n; i++) {
      target[at + i] = floatAt(walk.next());
    }
    MappedFile.giveBack(storage.bytes());
  }

  private void copyFloats(float[] target, int at, int n) {
    MemorySegment from = storage.bytes();
    int window = MappedFile.WINDOW / 4;
    for (int done = 0; done < n; ) {
      int count = Math.min(window, n - done);
      long start = (storageOffset + done) * 4;
      MemorySegment.copy(from, F32, start, target, at + done, count);
      done += count;
      MappedFile.giveBack(from.asSlice(start, count * 4L));
    }
  }

  /** Returns the elements in row-major order, converted to float64. */
  public double[] toDoubles() {
    double[] out = new double[arrayCount()];
    Walk walk = new Walk();
    for (int i = 0; i < out.length; i++) {
      out[i] = doubleAt(walk.next());
    }
    return out;
  }

  /**
   * Returns the elements of an integer or boolean tensor in row-major order.
   *
   * @throws IllegalArgumentException for a floating-point tensor
   */
  public long[] toLongs() {
    if (!type().isIntegral()) {
      throw new IllegalArgumentException(
          "a tensor of type " + type().torchName() + " holds no whole numbers; use toDoubles()");
    }
    long[] out = new long[arrayCount()];
    Walk walk = new Walk();
    for (int i = 0; i < out.length; i++) {
      out[i] = longAt(walk.next());
    }
    return out;
  }

  /** Returns the value of a tensor with one element. */
  public double item() {
    if (count != 1) {
      throw new IllegalArgumentException("item() of a tensor with " + count + " elements, not 1");
    }
    return doubleAt(storageOffset);
  }

  /** Returns true if elements are stored once and seen several times. */
  public boolean isExpanded() {
    return count > storage.count();
  }

  /** Returns a reader of the elements in row-major order that takes no memory of their size. */
  public Values values() {
    return new Values();
  }

  /** Reads the elements of a tensor piece by piece, converted to float64. */
  public final class Values {
    private final boolean contiguous = isContiguous();
    private final Walk walk = new Walk();
    private long done;

    private Values() {}

    /** Fills {@code target} from its start; returns the number of elements read, 0 at the end. */
    public int read(double[] target) {
      int n = (int) Math.min(target.length, count - done);
      if (contiguous) {
        long start = storageOffset + done;
        for (int i = 0; i < n; i++) {
          target[i] = doubleAt(start + i);
        }
        MappedFile.giveBack(
            storage.bytes().asSlice(start * type().bytes(), (long) n * type().bytes()));
      } else {
        for (int i = 0; i < n; i++) {
          target[i] = doubleAt(walk.next());
        }
      }
      done += n;
      return n;
    }
  }

  private int arrayCount() {
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "a tensor of shape " + Arrays.toString(shape) + " is too large for one array");
    }
    return (int) count;
  }

  private float floatAt(long i) {
    MemorySegment b = storage.bytes();
    return switch (type()) {
      case FLOAT32 -> b.get(F32, i * 4);
      case FLOAT16 -> Float.float16ToFloat(b.get(I16, i * 2));
      case BFLOAT16 -> Float.intBitsToFloat(b.get(I16, i * 2) << 16);
      case FLOAT64 -> (float) b.get(F64, i * 8);
      case INT64, INT32, INT16, INT8, UINT8, BOOL -> longAt(i);
    };
  }

  private double doubleAt(long i) {
    return switch (type()) {
      case FLOAT64 -> storage.bytes().get(F64, i * 8);
      case FLOAT32, FLOAT16, BFLOAT16 -> floatAt(i);
      case INT64, INT32, INT16, INT8, UINT8, BOOL -> longAt(i);
    };
  }

  private long longAt(long i) {
    MemorySegment b = storage.bytes();
    return switch (type()) {
      case INT64 -> b.get(I64, i * 8);
      case INT32 -> b.get(I32, i * 4);
      case INT16 -> b.get(I16, i * 2);
      case INT8 -> b.get(I8, i);
      case UINT8 -> b.get(I8, i) & 0xFF;
      case BOOL -> b.get(I8, i) == 0 ? 0 : 1;
      case FLOAT64, FLOAT32, FLOAT16, BFLOAT16 ->
          throw new IllegalStateException(type() + " is no integer type");
    };
  }

  @Override
  public String toString() {
    return "StoredTensor(" + type().torchName() + " " + Arrays.toString(shape) + ")";
  }

  /** Visits the storage positions of all elements in row-major order. */
  private final class Walk {
    private final int[] index = new int[shape.length];
    private long position = storageOffset;

    long next() {
      long here = position;
      for (int d = shape.length - 1; d >= 0; d--) {
        position += stride[d];
        if (++index[d] < shape[d]) {
          break;
        }
        position -= stride[d] * shape[d];
        index[d] = 0;
      }
      return here;
    }
  }
}
