package dev.changenet.tensor;

import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

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

  private record Kind(DType dtype, long length) {}

  private final MemoryUse.Counter counter = new MemoryUse.Counter();
  private final Map<Kind, Integer> pool = new HashMap<>();
  private final BiConsumer<String, Object[]> listener;
  private long arrays;
  private long mostArrays;

  private DryRun(BiConsumer<String, Object[]> listener) {
    this.listener = listener;
  }

  /** Begins a dry run on this thread. */
  public static DryRun open() {
    return open((_, _) -> {});
  }

  /**
   * Begins a dry run on this thread.
   *
   * @param listener hears of every kernel that would be called: its name in its op family, and its
   *     arguments
   */
  public static DryRun open(BiConsumer<String, Object[]> listener) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("a dry run is already open on this thread");
    }
    DryRun run = new DryRun(listener);
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

  /** Tells the listener of this thread's dry run about a kernel. */
  public static void tell(String kernel, Object... arguments) {
    CURRENT.get().listener.accept(kernel, arguments);
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

  /**
   * Bytes of the arrays that {@link HeapStorage} would have held at the worst moment: more than
   * {@link #peakBytes()}, since a released array waits for a tensor of its own length.
   */
  public long arrayBytes() {
    return mostArrays;
  }

  /** Forgets released arrays, as {@link HeapStorage#trimPool} does. */
  public void trimPool() {
    pool.forEach((kind, count) -> arrays -= count * kind.length * kind.dtype.bytes());
    pool.clear();
  }

  void taken(DType dtype, long length) {
    Kind kind = new Kind(dtype, length);
    int free = pool.getOrDefault(kind, 0);
    if (free > 0) {
      pool.put(kind, free - 1);
    } else {
      arrays += length * dtype.bytes();
      mostArrays = Math.max(mostArrays, arrays);
    }
  }

  void given(DType dtype, long length) {
    pool.merge(new Kind(dtype, length), 1, Integer::sum);
  }

  @Override
  public void close() {
    CURRENT.remove();
  }
}
