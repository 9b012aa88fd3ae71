package dev.changenet.autograd;

import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Time spent in each operation while open on a thread: forward passes when they run, backward
 * passes with the module that ran forward. The clock is read around each operation, which costs
 * nothing beside a kernel.
 *
 * <pre>{@code
 * try (Profile profile = Profile.open()) {
 *   step.run();
 *   profile.entries().forEach(e -> …);
 * }
 * }</pre>
 */
public final class Profile implements AutoCloseable {
  private static final ThreadLocal<Profile> CURRENT = new ThreadLocal<>();

  /**
   * One pass of one operation.
   *
   * @param path dotted path of the module that called it
   * @param input shape of its first input
   * @param output shape of its result
   * @param flops arithmetic as {@link Flops} counts it
   * @param kept bytes that a forward pass keeps for backward and that no earlier operation keeps; 0
   *     without {@link #countKept}
   * @param nanos time in the operation, without that in operations that it runs itself
   */
  public record Entry(
      Op op,
      String path,
      Shape input,
      Shape output,
      boolean backward,
      double flops,
      long kept,
      long nanos) {}

  private record Where(String path, Shape input, Shape output, double flops) {}

  /** An operation at work: when it began, and the time in those that it runs itself. */
  private static final class Running {
    private final long began;
    private long nested;

    Running(long began) {
      this.began = began;
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private final Map<Function, Where> places = new IdentityHashMap<>();
  private final Deque<String> path = new ArrayDeque<>();
  private final Deque<Running> running = new ArrayDeque<>();
  private final Runnable finish;
  private Set<Storage> counted;

  private Profile(Runnable finish) {
    this.finish = finish;
  }

  /** Waits for the device, then reads the clock. */
  private long now() {
    finish.run();
    return System.nanoTime();
  }

  /**
   * Counts the memory kept for backward from now on.
   *
   * @param weights tensors that exist anyway
   */
  public void countKept(Collection<Tensor> weights) {
    counted = Collections.newSetFromMap(new IdentityHashMap<>());
    weights.forEach(t -> counted.add(t.storage()));
  }

  /** Starts timing this thread's operations. */
  public static Profile open() {
    return open(() -> {});
  }

  /**
   * Starts timing this thread's operations on a device that works on after a call returns.
   *
   * @param finish waits until the device has done what was asked for
   */
  public static Profile open(Runnable finish) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("a profile is already open on this thread");
    }
    Profile profile = new Profile(finish);
    CURRENT.set(profile);
    return profile;
  }

  /** True while this thread's operations are timed. */
  public static boolean isOpen() {
    return CURRENT.get() != null;
  }

  static Profile current() {
    return CURRENT.get();
  }

  /** Names the module whose operations follow; does nothing when no profile is open. */
  public static void enter(String modulePath) {
    Profile profile = CURRENT.get();
    if (profile != null) {
      profile.path.push(modulePath);
    }
  }

  /** Ends the part started by {@link #enter}. */
  public static void exit() {
    Profile profile = CURRENT.get();
    if (profile != null) {
      // Empty when the profile was opened inside the module that ends.
      profile.path.poll();
    }
  }

  /** Starts the clock of an operation; {@link #forward} or {@link #backward} stops it. */
  void begin() {
    running.push(new Running(now()));
  }

  private long end() {
    Running r = running.pop();
    long nanos = now() - r.began;
    if (!running.isEmpty()) {
      running.peek().nested += nanos;
    }
    return nanos - r.nested;
  }

  void forward(Function f, Tensor[] in, Tensor out) {
    long nanos = end();
    String place = path.isEmpty() ? "" : path.peek();
    Where where = new Where(place, in[0].shape(), out.shape(), Flops.forward(f, in, out));
    places.put(f, where);
    entries.add(
        new Entry(
            f.op(), place, where.input, where.output, false, where.flops, newlyKept(f), nanos));
  }

  private long newlyKept(Function f) {
    long bytes = 0;
    if (counted != null) {
      for (Tensor t : f.savedTensors()) {
        if (t != null && counted.add(t.storage())) {
          bytes += t.storage().bytes();
        }
      }
    }
    return bytes;
  }

  void backward(Function f) {
    long nanos = end();
    Where w = places.get(f);
    if (w != null) {
      double flops = w.flops * Flops.backwardFactor(f);
      entries.add(new Entry(f.op(), w.path, w.input, w.output, true, flops, 0, nanos));
    }
  }

  /** What was timed, in order of execution. */
  public List<Entry> entries() {
    return Collections.unmodifiableList(entries);
  }

  @Override
  public void close() {
    CURRENT.remove();
  }
}
