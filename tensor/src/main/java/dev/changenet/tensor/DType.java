package dev.changenet.tensor;

/** Element type of a tensor. */
public enum DType {
  FLOAT32(4),
  FLOAT64(8),
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

  public boolean isFloating() {
    return this == FLOAT32 || this == FLOAT64;
  }
}
