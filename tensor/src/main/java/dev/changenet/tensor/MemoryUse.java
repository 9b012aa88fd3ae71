package dev.changenet.tensor;

import java.util.concurrent.atomic.AtomicLong;

/** Counts the bytes and the number of live tensor storages; leaks show here. */
public final class MemoryUse {
  private static final Counter REAL = new Counter();

  private MemoryUse() {}

  /** Live storages, and the most that lived at once. */
  static final class Counter {
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong storages = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();

    void allocated(long n) {
      storages.incrementAndGet();
      peak.accumulateAndGet(bytes.addAndGet(n), Math::max);
    }

    void released(long n) {
      storages.decrementAndGet();
      bytes.addAndGet(-n);
    }

    long bytes() {
      return bytes.get();
    }

    long peak() {
      return peak.get();
    }

    void resetPeak() {
      peak.set(bytes.get());
    }
  }

  /** Counter of the storages that this thread makes now. */
  static Counter counter() {
    DryRun dry = DryRun.current();
    return dry == null ? REAL : dry.counter();
  }

  /** Bytes of all storages that are not released yet. */
  public static long liveBytes() {
    return REAL.bytes();
  }

  /** Number of storages that are not released yet. */
  public static long liveStorages() {
    return REAL.storages.get();
  }

  /** Largest value of {@link #liveBytes()} since the last {@link #resetPeak()}. */
  public static long peakBytes() {
    return REAL.peak();
  }

  public static void resetPeak() {
    REAL.resetPeak();
  }
}
