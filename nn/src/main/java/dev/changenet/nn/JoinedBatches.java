package dev.changenet.nn;

/**
 * Says while open that what passes through layers on this thread is several batches, one after the
 * other. Layers that look at more than one sample at a time, or draw random numbers for each call,
 * then do for each batch what they would do for it alone.
 *
 * <p>One pass over both images of a pair reads every weight once, which is most of the work where
 * maps are small.
 */
public final class JoinedBatches implements AutoCloseable {
  private static final ThreadLocal<Integer> COUNT = ThreadLocal.withInitial(() -> 1);

  private final int before = COUNT.get();

  private JoinedBatches() {}

  /** Declares that the inputs from now on are {@code count} batches of equal size. */
  public static JoinedBatches open(int count) {
    JoinedBatches joined = new JoinedBatches();
    COUNT.set(count);
    return joined;
  }

  /** Number of batches in the input of a layer; 1 when nothing is declared. */
  public static int count() {
    return COUNT.get();
  }

  @Override
  public void close() {
    COUNT.set(before);
  }
}
