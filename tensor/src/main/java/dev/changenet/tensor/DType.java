package dev.changenet.tensor;

/** Element type of a tensor. */
public enum DType {
  FLOAT32(4),
  FLOAT64(8),
  /** Activations in mixed precision; GPU only. */
  BFLOAT16(2),
  /** Activations in mixed precision; GPU only. */
  FLOAT16(2),
  /** Class labels and indices. */
  INT32(4),
  /** Counters of checkpoints, such as {@code num_batches_tracked}. */
  INT64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** True for the two-byte floating types. */
  public boolean isHalf() {
    return this == BFLOAT16 || this == FLOAT16;
  }
}
