package dev.changenet.tensor.cpu;

/** Per-thread work buffers of kernels; they grow and are reused, content is undefined. */
final class Scratch {
  /**
   * First index that kernels use where vectors should not straddle cache lines: with objects
   * aligned to 64 bytes ({@code -XX:ObjectAlignmentInBytes=64}, as the launcher sets it) it is a
   * line's first. Elsewhere it does no harm.
   */
  static final int ALIGN = 12;

  private static final ThreadLocal<float[][]> BUFFERS =
      ThreadLocal.withInitial(() -> new float[Slot.values().length][]);

  private Scratch() {}

  /**
   * Returns the calling thread's buffer number {@code slot}, of at least {@code length} floats. A
   * kernel that calls another one must not share a slot with it; slots are listed in {@link Slot}.
   */
  static float[] floats(Slot slot, int length) {
    float[][] buffers = BUFFERS.get();
    float[] b = buffers[slot.ordinal()];
    if (b == null || b.length < length) {
      b = new float[Math.max(length, 1024)];
      buffers[slot.ordinal()] = b;
    }
    return b;
  }

  /** Who uses which buffer. */
  enum Slot {
    GEMM_A,
    GEMM_B,
    GEMM_TILE,
    CONV_TILE,
    CONV_OUT,
    CONV_SUMS,
    ROWS,
    ATTENTION,
    REDUCE,
    PACK
  }
}
