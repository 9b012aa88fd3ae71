package dev.changenet.nn.state;

import java.lang.foreign.MemorySegment;

/**
 * The flat run of elements that one or more tensors view: little-endian bytes in a heap array or in
 * a mapped file.
 */
final class Storage {
  private final StoredType type;
  private final long count;
  private MemorySegment bytes;

  /** Refuses damaged bytes; null once it has run. */
  private Runnable check;

  Storage(StoredType type, long count, MemorySegment bytes) {
    this.type = type;
    this.count = count;
    this.bytes = bytes;
  }

  /** Makes a storage whose bytes {@code check} has to pass before they are first read. */
  Storage(StoredType type, long count, MemorySegment bytes, Runnable check) {
    this(type, count, bytes);
    this.check = check;
  }

  StoredType type() {
    return type;
  }

  /** Returns the number of elements. */
  long count() {
    return count;
  }

  long byteSize() {
    return count * type.bytes();
  }

  MemorySegment bytes() {
    if (bytes == null) {
      throw new IllegalStateException("storage read before its bytes were located");
    }
    Runnable pending = check;
    if (pending != null) {
      pending.run(); // twice, where two threads come at once
      check = null;
    }
    return bytes;
  }

  boolean isLocated() {
    return bytes != null;
  }

  /** Sets the bytes of a storage whose declaration came before its place was known. */
  void locate(MemorySegment located) {
    bytes = located;
  }
}
