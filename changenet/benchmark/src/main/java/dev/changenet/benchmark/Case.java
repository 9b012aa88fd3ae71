package dev.changenet.benchmark;

/** A computation that can be repeated and timed. */
interface Case extends AutoCloseable {
  void run();

  /** What the last run computed, maps as [B, C, H, W], to compare with others; or null. */
  default float[] output() {
    return null;
  }

  /** Floating-point operations of one run as the direct algorithm does it; 0 where bytes count. */
  default double flops() {
    return 0;
  }

  /** Bytes that one run must read and write at least; 0 where operations count. */
  default double bytes() {
    return 0;
  }

  /**
   * Waits for a run and learns from it, outside of what is timed; false where it should be
   * repeated.
   */
  default boolean settle() {
    return true;
  }

  @Override
  void close();
}
