package dev.changenet.autograd;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * The sequence of operations that a forward pass executed, with the module each belongs to. The
 * exporter lowers it to another format.
 */
public final class Trace implements AutoCloseable {
  private static final ThreadLocal<Trace> CURRENT = new ThreadLocal<>();

  /**
   * One executed operation.
   *
   * @param function operation and attributes
   * @param inputs its inputs; an entry is null where an optional input was absent
   * @param output its result
   * @param path dotted path of the module that called it, such as {@code backbone.blocks.0.attn.q}
   */
  public record Node(Function function, List<Variable> inputs, Variable output, String path) {}

  private final List<Node> nodes = new ArrayList<>();
  private final Deque<String> path = new ArrayDeque<>();

  private Trace() {}

  /**
   * Starts tracing on this thread. In a forward hook it begins in the middle of modules: operations
   * that follow directly in those have an empty path, and values of theirs are closed with them.
   */
  public static Trace open() {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("a trace is already open on this thread");
    }
    Trace trace = new Trace();
    CURRENT.set(trace);
    return trace;
  }

  /** True while this thread's operations are being traced; modules then keep all values open. */
  public static boolean isOpen() {
    return CURRENT.get() != null;
  }

  static Trace current() {
    return CURRENT.get();
  }

  /** Names the module whose operations follow; null when nothing is traced. */
  public static void enter(String modulePath) {
    Trace trace = CURRENT.get();
    if (trace != null) {
      trace.path.push(modulePath);
    }
  }

  /** Ends the part started by {@link #enter}. */
  public static void exit() {
    Trace trace = CURRENT.get();
    if (trace != null) {
      // Empty when the trace was opened inside the module that ends.
      trace.path.poll();
    }
  }

  void record(Function f, Variable[] inputs, Variable output) {
    String where = path.isEmpty() ? "" : path.peek();
    List<Variable> in = new ArrayList<>();
    Collections.addAll(in, inputs);
    nodes.add(new Node(f, Collections.unmodifiableList(in), output, where));
  }

  /** The operations in order of execution. */
  public List<Node> nodes() {
    return Collections.unmodifiableList(nodes);
  }

  @Override
  public void close() {
    CURRENT.remove();
  }
}
