package dev.changenet.tensor;

import dev.changenet.tensor.backend.Backends;
import java.util.Arrays;

/**
 * A contiguous row-major array with a shape, an element type and a device.
 *
 * <p>Images are held channels-last, [B, H, W, C], and token sequences [B, N, C], so a map and its
 * tokens are the same memory. Weights keep PyTorch's layout and shape.
 *
 * <p>A tensor is a handle on counted {@link Storage}: {@link #close()} gives the handle up, and
 * memory is released with the last handle. Tensors made inside a {@link Scope} are closed with it.
 */
public final class Tensor implements AutoCloseable {
  private final Shape shape;
  private final Device device;
  private final Storage storage;
  private Scope scope;
  private boolean closed;

  /** Takes over one reference of {@code storage}. */
  public Tensor(Shape shape, Device device, Storage storage) {
    requireFits(shape, storage.length());
    this.shape = shape;
    this.device = device;
    this.storage = storage;
    moveTo(Scope.current());
  }

  private static void requireFits(Shape shape, long length) {
    if (shape.elements() != length) {
      throw new IllegalArgumentException(
          "shape " + shape + " needs " + shape.elements() + " elements, storage has " + length);
    }
  }

  /** Returns a tensor with undefined content. */
  public static Tensor empty(Shape shape, DType dtype, Device device) {
    return new Tensor(shape, device, Backends.of(device).allocate(dtype, shape.elements()));
  }

  /** Returns a tensor filled with 0. */
  public static Tensor zeros(Shape shape, DType dtype, Device device) {
    return full(shape, dtype, device, 0);
  }

  /** Returns a tensor filled with {@code value}. */
  public static Tensor full(Shape shape, DType dtype, Device device, double value) {
    Tensor t = empty(shape, dtype, device);
    Backends.of(device).elementwise().fill(t, value);
    return t;
  }

  /** Wraps {@code data} (not copied) as a float32 CPU tensor. */
  public static Tensor of(float[] data, int... shape) {
    return wrap(Shape.of(shape), Device.CPU, DType.FLOAT32, data.length, data);
  }

  /** Wraps {@code data} (not copied) as a float64 tensor of the reference device. */
  public static Tensor of(double[] data, int... shape) {
    return wrap(Shape.of(shape), Device.REFERENCE, DType.FLOAT64, data.length, data);
  }

  /** Wraps {@code data} (not copied) as an int32 CPU tensor. */
  public static Tensor of(int[] data, int... shape) {
    return wrap(Shape.of(shape), Device.CPU, DType.INT32, data.length, data);
  }

  private static Tensor wrap(Shape shape, Device device, DType dtype, int length, Object data) {
    // Before the storage counts as live.
    requireFits(shape, length);
    return new Tensor(shape, device, HeapStorage.wrap(dtype, length, data));
  }

  /** Returns an uninitialised tensor of this one's type and device. */
  public Tensor emptyLike(int... dims) {
    return empty(Shape.of(dims), dtype(), device);
  }

  /** Returns an uninitialised tensor of this one's shape, type and device. */
  public Tensor emptyLike() {
    return empty(shape, dtype(), device);
  }

  /**
   * Returns an uninitialised tensor on this one's device for statistics and sums: of this type, but
   * float32 where this one has two-byte floats.
   */
  public Tensor emptyStatistics(int... dims) {
    return empty(Shape.of(dims), dtype().isHalf() ? DType.FLOAT32 : dtype(), device);
  }

  public Shape shape() {
    return shape;
  }

  /** Size of dimension {@code i}; negative counts from the end. */
  public int dim(int i) {
    return shape.dim(i);
  }

  public int rank() {
    return shape.rank();
  }

  public long elements() {
    return shape.elements();
  }

  /** Product of all sizes but the last. */
  public int rows() {
    return shape.rows();
  }

  public DType dtype() {
    return storage.dtype();
  }

  public Device device() {
    return device;
  }

  /**
   * The memory of this tensor. Who writes into its array calls {@link Storage#changed()} on it
   * afterwards.
   */
  public Storage storage() {
    return storage;
  }

  /** Returns a handle of another shape on the same memory. */
  public Tensor reshape(int... dims) {
    requireOpen();
    Shape target = Shape.of(dims);
    requireFits(target, storage.length());
    storage.retain();
    return new Tensor(target, device, storage);
  }

  /** Returns another handle on the same memory, owned by the caller and by no scope. */
  public Tensor share() {
    requireOpen();
    storage.retain();
    return new Tensor(shape, device, storage).detached();
  }

  /** Takes this tensor out of its scope: from now on the caller closes it. */
  public Tensor detached() {
    scope = null;
    return this;
  }

  /** True when no other open tensor uses this memory, so that it may be overwritten. */
  public boolean exclusive() {
    return storage.references() == 1;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("tensor " + shape + " used after close()");
    }
  }

  private Object array(DType expected) {
    requireOpen();
    DType type = dtype();
    if (type != expected) {
      throw new IllegalArgumentException(
          "a tensor " + shape + " of " + type + " was given where " + expected + " is needed");
    }
    return switch (storage) {
      case HeapStorage heap -> heap.array();
      case DryStorage dry -> dry.zeros();
      default ->
          throw new IllegalStateException("tensor is on " + device + "; copy it to the CPU first");
    };
  }

  /**
   * The backing array of a float32 tensor on the CPU; element i is at index i.
   *
   * <p>Who writes into it calls {@code storage().changed()} afterwards, unless nothing has read the
   * tensor yet. Kernels keep packed copies of weights and would go on with the old values.
   */
  public float[] floats() {
    return (float[]) array(DType.FLOAT32);
  }

  /** The backing array of a float64 tensor on the CPU; see {@link #floats} for writing into it. */
  public double[] doubles() {
    return (double[]) array(DType.FLOAT64);
  }

  /** The backing array of an int32 tensor on the CPU; see {@link #floats} for writing into it. */
  public int[] ints() {
    return (int[]) array(DType.INT32);
  }

  /** The backing array of an int64 tensor on the CPU; see {@link #floats} for writing into it. */
  public long[] longs() {
    return (long[]) array(DType.INT64);
  }

  /**
   * The backing array of a two-byte floating tensor on the CPU: the bits of each element; see
   * {@link #floats} for writing into it.
   */
  public short[] shorts() {
    return (short[]) array(dtype().isHalf() ? dtype() : DType.BFLOAT16);
  }

  private static float bfloat16ToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to the nearest, ties to even. */
  private static short floatToBfloat16(float value) {
    if (Float.isNaN(value)) {
      return (short) 0x7fc0;
    }
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** Returns a copy of the content as floats, whatever the floating type and the device. */
  public float[] toFloatArray() {
    if (device.kind() == Device.Kind.CUDA) {
      try (Tensor onCpu = to(Device.CPU).detached()) {
        return onCpu.toFloatArray();
      }
    }
    if (dtype() == DType.FLOAT32) {
      return Arrays.copyOf(floats(), (int) elements());
    }
    float[] f = new float[(int) elements()];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) at(i);
    }
    return f;
  }

  /**
   * Returns this tensor on {@code target}: another handle on the same memory when it is there
   * already, a copy otherwise.
   */
  public Tensor to(Device target) {
    requireOpen();
    if (target.equals(device)) {
      storage.retain();
      return new Tensor(shape, device, storage);
    }
    Tensor copy = empty(shape, dtype(), target);
    copy.copyFrom(this);
    return copy;
  }

  /**
   * Overwrites the content with that of {@code source}, of the same type and number of elements, on
   * any device. Calls {@link Storage#changed()}.
   */
  public void copyFrom(Tensor source) {
    requireOpen();
    source.requireOpen();
    if (source.dtype() != dtype() || source.elements() != elements()) {
      throw new IllegalArgumentException("copying " + source + " to " + this);
    }
    if (source.device.equals(device)) {
      Backends.of(device).elementwise().copy(source, this);
    } else if (storage instanceof HeapStorage to) {
      Backends.of(source.device).download(source.storage, to.array());
    } else {
      Backends.of(device).upload(source.array(source.dtype()), storage);
    }
    storage.changed();
  }

  /** Element {@code i} of a CPU tensor in row-major order, as a double. */
  public double at(int i) {
    if (storage instanceof DryStorage) {
      return 0;
    }
    return switch (dtype()) {
      case FLOAT32 -> floats()[i];
      case FLOAT64 -> doubles()[i];
      case INT32 -> ints()[i];
      case INT64 -> longs()[i];
      case BFLOAT16 -> bfloat16ToFloat(shorts()[i]);
      case FLOAT16 -> Float.float16ToFloat(shorts()[i]);
    };
  }

  /**
   * Writes element {@code i} of a CPU tensor, rounded to its type. Calls {@link Storage#changed()},
   * so that the next pass through a layer sees the new weight; to fill a large tensor write into
   * its array and call that once.
   */
  public void set(int i, double value) {
    if (storage instanceof DryStorage) {
      return;
    }
    switch (dtype()) {
      case FLOAT32 -> floats()[i] = (float) value;
      case FLOAT64 -> doubles()[i] = value;
      case INT32 -> ints()[i] = (int) value;
      case INT64 -> longs()[i] = (long) value;
      case BFLOAT16 -> shorts()[i] = floatToBfloat16((float) value);
      case FLOAT16 -> shorts()[i] = Float.floatToFloat16((float) value);
    }
    storage.changed();
  }

  /** The value of a tensor with one element. */
  public double item() {
    if (elements() != 1) {
      throw new IllegalStateException("item(): tensor has " + elements() + " elements, not 1");
    }
    if (device.kind() == Device.Kind.CUDA) {
      try (Tensor onCpu = to(Device.CPU).detached()) {
        return onCpu.at(0);
      }
    }
    return at(0);
  }

  Scope scope() {
    return scope;
  }

  final void moveTo(Scope target) {
    scope = target;
    if (target != null) {
      target.add(this);
    }
  }

  /** True after {@link #close()}. */
  public boolean isClosed() {
    return closed;
  }

  /** Gives up this handle; closing twice does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      scope = null;
      storage.release();
    }
  }

  @Override
  public String toString() {
    return "Tensor" + shape + " " + dtype() + " on " + device;
  }
}
