package dev.changenet.tensor;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Storage in a Java array. Released arrays are kept in a pool by exact length, because a training
 * step asks for the same sizes again and again and a fresh large array costs page faults and
 * zeroing.
 */
public final class HeapStorage extends Storage {
  private static final Map<Long, ArrayDeque<Object>> POOL = new ConcurrentHashMap<>();

  /** Arrays below this length are left to the garbage collector: pooling them costs more. */
  private static final int SMALLEST_POOLED = 1024;

  /** Garbage that may gather at least, see {@link #limitGarbage}, and at most. */
  private static final long LEAST_GARBAGE = 96L << 20;

  private static final long MOST_GARBAGE = 256L << 20;

  /** Between these two: one in so many bytes of what is in use. */
  private static final int GARBAGE_PART = 8;

  /** Collections take one in so many seconds at most. */
  private static final int COLLECTING_PART = 20;

  /** Bytes of the pooled arrays, those that storages use included. */
  private static final AtomicLong ARRAYS = new AtomicLong();

  /** Least bytes of all other objects since the last collection. */
  private static final AtomicLong OTHERS = new AtomicLong(Long.MAX_VALUE);

  /** When the next collection may begin, as {@link System#nanoTime} counts. */
  private static volatile long mayCollect = System.nanoTime();

  private Object array;
  private final boolean pooled;

  private HeapStorage(DType dtype, int length, Object array, boolean pooled) {
    super(dtype, length);
    this.array = array;
    this.pooled = pooled;
  }

  /** Returns storage with undefined content. */
  public static HeapStorage allocate(DType dtype, long length) {
    if (length > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "a CPU tensor holds at most "
              + (Integer.MAX_VALUE - 8)
              + " elements, asked for "
              + length);
    }
    int n = (int) length;
    boolean pooled = n >= SMALLEST_POOLED;
    Object array = pooled ? takePooled(dtype, n) : null;
    if (array == null) {
      array = fresh(dtype, n);
      ARRAYS.addAndGet(pooled ? length * dtype.bytes() : 0);
    }
    return new HeapStorage(dtype, n, array, pooled);
  }

  private static Object fresh(DType dtype, int n) {
    try {
      return newArray(dtype, n);
    } catch (OutOfMemoryError e) {
      // Perhaps the pool holds arrays of lengths that nobody asks for any more.
      if (POOL.isEmpty()) {
        throw e;
      }
      clearPool();
      return newArray(dtype, n);
    }
  }

  private static Object newArray(DType dtype, int n) {
    return switch (dtype) {
      case FLOAT32 -> new float[n];
      case FLOAT64 -> new double[n];
      case INT32 -> new int[n];
      case INT64 -> new long[n];
      case BFLOAT16, FLOAT16 -> new short[n];
    };
  }

  /**
   * Wraps {@code array} without copying; it must match {@code dtype}. It stays the caller's: a
   * wrapped array never enters the pool.
   */
  static HeapStorage wrap(DType dtype, int length, Object array) {
    return new HeapStorage(dtype, length, array, false);
  }

  private static long key(DType dtype, int length) {
    return ((long) dtype.ordinal() << 32) | length;
  }

  private static Object takePooled(DType dtype, int length) {
    ArrayDeque<Object> free = POOL.get(key(dtype, length));
    if (free == null) {
      return null;
    }
    synchronized (free) {
      return free.pollLast();
    }
  }

  /**
   * Forgets all pooled arrays, between phases that use other sizes, and lets the garbage collector
   * take them at once: else the heap would grow by what the next phase allocates.
   */
  public static void trimPool() {
    clearPool();
    collect();
  }

  private static void clearPool() {
    ARRAYS.addAndGet(-pooledBytes());
    POOL.clear();
  }

  /**
   * Lets the garbage collector run when one or two hundred megabytes have gathered that it could
   * free. By itself it runs when the heap is full: a process that computes for hours on pooled
   * arrays, with other objects coming and going beside them, would grow to the largest heap it may
   * have. To be called between steps; where these make much garbage in little time, collections
   * still take no more than a twentieth of it.
   */
  public static void limitGarbage() {
    long now = otherBytes();
    long most = Math.clamp(ARRAYS.get() / GARBAGE_PART, LEAST_GARBAGE, MOST_GARBAGE);
    if (now - OTHERS.accumulateAndGet(now, Math::min) > most
        && System.nanoTime() - mayCollect >= 0) {
      collect();
    }
  }

  private static void collect() {
    long began = System.nanoTime();
    System.gc();
    OTHERS.set(otherBytes());
    long ended = System.nanoTime();
    mayCollect = ended + COLLECTING_PART * (ended - began);
  }

  /** Bytes of the heap that are no pooled array, garbage among them. */
  private static long otherBytes() {
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory() - ARRAYS.get();
  }

  /** Bytes of the arrays that wait in the pool for their next use. */
  public static long pooledBytes() {
    long bytes = 0;
    for (Map.Entry<Long, ArrayDeque<Object>> entry : POOL.entrySet()) {
      int count;
      synchronized (entry.getValue()) {
        count = entry.getValue().size();
      }
      int type = (int) (entry.getKey() >>> 32);
      bytes += count * (entry.getKey() & 0xFFFFFFFFL) * DType.values()[type].bytes();
    }
    return bytes;
  }

  /** The backing array: float[], double[], int[], long[], or short[] for two-byte floats. */
  public Object array() {
    if (array == null) {
      throw new IllegalStateException("tensor used after its release");
    }
    return array;
  }

  @Override
  protected void free() {
    Object a = array;
    array = null;
    int n = (int) length();
    if (pooled) {
      ArrayDeque<Object> free = POOL.computeIfAbsent(key(dtype(), n), k -> new ArrayDeque<>());
      synchronized (free) {
        free.addLast(a);
      }
    }
  }
}
