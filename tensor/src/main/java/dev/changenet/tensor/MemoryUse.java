package dev.changenet.tensor;

import java.util.concurrent.atomic.AtomicLong;

/** Counts the bytes and the number of live tensor storages; leaks show here. */
public final class MemoryUse {
  private static final AtomicLong BYTES = new AtomicLong();
  private static final AtomicLong STORAGES = new AtomicLong();
  private static final AtomicLong PEAK = new AtomicLong();

  private MemoryUse() {}

  /** Bytes of all storages that are not released yet. */
  public static long liveBytes() {
    return BYTES.get();
  }

  /** Number of storages that are not released yet. */
  public static long liveStorages() {
    return STORAGES.get();
  }

  /** Largest value of {@link #liveBytes()} since the last {@link #resetPeak()}. */
  public static long peakBytes() {
    return PEAK.get();
  }

  public static void resetPeak() {
    PEAK.set(BYTES.get());
  }

  static void allocated(long bytes) {
    STORAGES.incrementAndGet();
    long now = BYTES.addAndGet(bytes);
    PEAK.accumulateAndGet(now, Math::max);
  }

  static void released(long bytes) {
    STORAGES.decrementAndGet();
    BYTES.addAndGet(-bytes);
  }
}
