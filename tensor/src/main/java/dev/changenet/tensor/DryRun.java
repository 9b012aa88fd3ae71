package dev.changenet.tensor;

/**
 * While open on a thread, the tensors it makes have a shape but no memory and every kernel does
 * nothing, so that a computation of any size runs in no time and its memory can be counted before
 * it is needed. Copies of weights that the CPU kernels would keep are counted as well; work buffers
 * of kernels are not.
 *
 * <p>Reading such a tensor gives zeros, writing to it does nothing. Tensors from outside must not
 * be used inside, and the other way round.
 *
 * <pre>{@code
 * try (DryRun dry = DryRun.open()) {
 *   network.forward(image);
 *   dry.peakBytes();
 * }
 * }</pre>
 */
public final class DryRun implements AutoCloseable {
  private static final ThreadLocal<DryRun> CURRENT = new ThreadLocal<>();

  private final MemoryUse.Counter counter = new MemoryUse.Counter();

  private DryRun() {}

  /** Begins a dry run on this thread. */
  public static DryRun open() {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("a dry run is already open on this thread");
    }
    DryRun run = new DryRun();
    CURRENT.set(run);
    return run;
  }

  /** True while this thread's computations are only counted. */
  public static boolean isOpen() {
    return CURRENT.get() != null;
  }

  static DryRun current() {
    return CURRENT.get();
  }

  MemoryUse.Counter counter() {
    return counter;
  }

  /** Bytes that the tensors would take now. */
  public long liveBytes() {
    return counter.bytes();
  }

  /** Largest value of {@link #liveBytes()} since the beginning or {@link #resetPeak()}. */
  public long peakBytes() {
    return counter.peak();
  }

  public void resetPeak() {
    counter.resetPeak();
  }

  @Override
  public void close() {
    CURRENT.remove();
  }
}
