package dev.changenet.tensor;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The memory behind one or more tensors, counted by reference: it goes back to its backend's pool
 * when the last tensor that uses it is closed, never by the garbage collector.
 */
public abstract class Storage {
  private final DType dtype;
  private final long length;
  private final MemoryUse.Counter counter = MemoryUse.counter();
  private final AtomicInteger references = new AtomicInteger(1);
  private volatile int version;
  private volatile Derived derived;

  private record Derived(String key, int version, AutoCloseable value) {}

  protected Storage(DType dtype, long length) {
    this.dtype = dtype;
    this.length = length;
    counter.allocated(bytes());
  }

  public final DType dtype() {
    return dtype;
  }

  /** Number of elements. */
  public final long length() {
    return length;
  }

  public final long bytes() {
    return length * dtype.bytes();
  }

  /** Number of open tensors on this storage. */
  public final int references() {
    return references.get();
  }

  /**
   * Counts in-place changes. Whoever writes into the array of a tensor that others may have read
   * (optimizer, weight loading) calls {@link #changed()}; caches made from the content check it.
   * {@link Tensor#set} and {@link Tensor#copyFrom} call it themselves.
   */
  public final int version() {
    return version;
  }

  /** Declares that the content was changed in place. */
  public final void changed() {
    version++;
  }

  /** A value computed from the content, kept as long as the content stays the same. */
  public interface DerivedValue<T extends AutoCloseable> {
    T compute();
  }

  /**
   * Returns the value cached under {@code key} (packed or transformed weights, say), computing it
   * when there is none or when the content has changed since. One key is kept at a time; the value
   * is closed when replaced or when the storage is released.
   */
  @SuppressWarnings("unchecked")
  public final synchronized <T extends AutoCloseable> T derived(
      String key, DerivedValue<T> compute) {
    Derived d = derived;
    if (d != null && d.version == version && d.key.equals(key)) {
      return (T) d.value;
    }
    dropDerived();
    T value = compute.compute();
    derived = new Derived(key, version, value);
    return value;
  }

  /**
   * Releases the cached value, between phases that have no use for it; it is made anew on demand.
   */
  public final synchronized void forgetDerived() {
    dropDerived();
  }

  private void dropDerived() {
    Derived d = derived;
    derived = null;
    if (d != null) {
      try {
        d.value.close();
      } catch (Exception e) {
        throw new IllegalStateException("releasing a cached value failed: " + e.getMessage(), e);
      }
    }
  }

  final void retain() {
    if (references.getAndUpdate(n -> n > 0 ? n + 1 : n) <= 0) {
      throw new IllegalStateException("storage used after its release");
    }
  }

  final void release() {
    int left = references.decrementAndGet();
    if (left == 0) {
      dropDerived();
      counter.released(bytes());
      free();
    } else if (left < 0) {
      throw new IllegalStateException("storage released twice");
    }
  }

  /** Gives the memory back to the pool or device it came from. */
  protected abstract void free();
}
