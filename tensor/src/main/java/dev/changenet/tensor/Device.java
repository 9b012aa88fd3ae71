package dev.changenet.tensor;

/**
 * Where a tensor lives and which backend computes on it.
 *
 * @param kind the backend family
 * @param index device number among those of its kind; 0 for the CPU
 */
public record Device(Kind kind, int index) {
  /** Backend families. */
  public enum Kind {
    /** Vector API kernels with the thread pool. */
    CPU,
    /** Plain loops with double accumulation: specification, fallback and oracle. */
    REFERENCE,
    /** An NVIDIA GPU. */
    CUDA
  }

  public static final Device CPU = new Device(Kind.CPU, 0);
  public static final Device REFERENCE = new Device(Kind.REFERENCE, 0);

  /** The GPU with number {@code index}, as CUDA counts them. */
  public static Device cuda(int index) {
    return new Device(Kind.CUDA, index);
  }

  /**
   * Type of the parameters and, unless chosen otherwise, the activations on this device: float64 on
   * the reference device, so that networks there show what rounding does elsewhere.
   */
  public DType floating() {
    return kind == Kind.REFERENCE ? DType.FLOAT64 : DType.FLOAT32;
  }

  @Override
  public String toString() {
    return kind == Kind.CUDA ? "cuda:" + index : kind.name().toLowerCase(java.util.Locale.ROOT);
  }
}
