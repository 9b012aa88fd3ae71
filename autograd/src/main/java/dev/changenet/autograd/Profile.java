package dev.changenet.autograd;

import dev.changenet.tensor.Shape;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

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
   */
  public record Entry(
      Op op, String path, Shape input, Shape output, boolean backward, long nanos) {}

  private record Where(String path, Shape input, Shape output) {}

  private final List<Entry> entries = new ArrayList<>();
  private final Map<Function, Where> places = new IdentityHashMap<>();
  private final Deque<String> path = new ArrayDeque<>();

  private final Runnable finish;

  private Profile(Runnable finish) {
    this.finish = finish;
  }

  /** Waits for the device, then reads the clock. */
  long now() {
    finish.run();
    return System.nanoTime();
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

  void forward(Function f, Shape input, Shape output, long nanos) {
    Where where = new Where(path.isEmpty() ? "" : path.peek(), input, output);
    places.put(f, where);
    add(f, where, false, nanos);
  }

  void backward(Function f, long nanos) {
    Where where = places.get(f);
    if (where != null) {
      add(f, where, true, nanos);
    }
  }

  private void add(Function f, Where w, boolean backward, long nanos) {
    entries.add(new Entry(f.op(), w.path, w.input, w.output, backward, nanos));
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
