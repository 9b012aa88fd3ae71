package dev.changenet.autograd;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Owns the graph of one forward pass. Operations are recorded while a tape is open on the calling
 * thread; without one (or inside {@link NoGrad}) nothing is saved. Closing the tape releases
 * whatever the backward pass has not released already.
 *
 * <pre>{@code
 * try (Scope scope = Scope.open(); Tape tape = Tape.open()) {
 *   Variable loss = model.forward(batch);
 *   loss.backward();
 * }
 * }</pre>
 */
public final class Tape implements AutoCloseable {
  private static final ThreadLocal<Tape> CURRENT = new ThreadLocal<>();

  private final Tape previous;
  private final List<Function> functions = new ArrayList<>();

  private Tape(Tape previous) {
    this.previous = previous;
  }

  /** Starts recording on this thread. */
  public static Tape open() {
    Tape tape = new Tape(CURRENT.get());
    CURRENT.set(tape);
    return tape;
  }

  static Tape current() {
    return CURRENT.get();
  }

  /** True while operations are being recorded. */
  public static boolean isRecording() {
    return CURRENT.get() != null;
  }

  static Tape suspend() {
    Tape tape = CURRENT.get();
    CURRENT.remove();
    return tape;
  }

  static void resume(Tape tape) {
    CURRENT.set(tape);
  }

  long record(Function f) {
    functions.add(f);
    return functions.size();
  }

  /**
   * Computes the gradients of all leaves that {@code output}, a scalar, depends on, and adds them
   * to {@link Variable#grad}. Each function's saved tensors are released as soon as its backward
   * has run; intermediate gradients as soon as they were used.
   */
  static void backward(Variable output) {
    requireScalar(output);
    Tensor one = Tensor.full(output.shape(), output.data().dtype(), output.data().device(), 1.0);
    backward(output, one.detached());
  }

  /** {@link #backward(Variable)} of {@code factor} times the output. */
  static void backward(Variable output, double factor) {
    requireScalar(output);
    Tensor gradient = Tensor.of(new float[] {(float) factor}, output.shape().toArray());
    backward(output, gradient.to(output.data().device()).detached());
  }

  private static void requireScalar(Variable output) {
    if (output.creator() == null) {
      throw new IllegalStateException(
          "backward(): the value does not depend on anything that requires a gradient, or no Tape"
              + " was open when it was computed");
    }
    if (output.data().elements() != 1) {
      throw new IllegalStateException("backward(): expected a scalar, got shape " + output.shape());
    }
  }

  /**
   * {@link #backward(Variable)} of any output.
   *
   * @param gradOut gradient of what comes after it; closed once it was used
   */
  static void backward(Variable output, Tensor gradOut) {
    backward(output, gradOut, null);
  }

  /**
   * {@link #backward(Variable, Tensor)} that stays inside one tape.
   *
   * @param within the tape that has recorded all of the graph, or null where it may have several
   * @throws IllegalStateException when the graph goes on outside
   */
  static void backward(Variable output, Tensor gradOut, Tape within) {
    Map<Function, Tensor> gradients = new IdentityHashMap<>();
    PriorityQueue<Function> ready =
        new PriorityQueue<>(Comparator.comparingLong(Function::sequence).reversed());
    // Leaves with hooks, which are to see the whole gradient.
    Map<Variable, Tensor> watched = new LinkedHashMap<>();
    gradients.put(output.creator(), gradOut);
    ready.add(output.creator());
    try {
      while (!ready.isEmpty()) {
        Function next = ready.poll();
        if (within != null && next.tape() != within) {
          throw new IllegalStateException(
              "checkpoint(): the part uses a result of "
                  + next.op()
                  + " that was computed outside of it; only its argument and leaves can be used");
        }
        step(next, gradients, ready, watched);
      }
      watched.forEach(Variable::complete);
    } finally {
      gradients.values().forEach(Tensor::close);
      watched.values().forEach(Tensor::close);
    }
  }

  private static void step(
      Function f,
      Map<Function, Tensor> gradients,
      PriorityQueue<Function> ready,
      Map<Variable, Tensor> watched) {
    if (f.isReleased()) {
      throw new IllegalStateException(
          "backward(): the graph of " + f.op() + " was already released; run forward again");
    }
    try (Tensor gradOut = taken(f, gradients);
        Scope _ = Scope.open()) {
      if (f.gradientHooks() != null) {
        f.gradientHooks().forEach(h -> h.accept(gradOut));
      }
      Variable[] inputs = f.inputs();
      Gradients result = new Gradients(f, inputs.length);
      Profile profile = Profile.current();
      if (profile != null) {
        profile.begin();
      }
      f.backward(gradOut, result);
      if (profile != null) {
        profile.backward(f);
      }
      f.release();
      for (int i = 0; i < inputs.length; i++) {
        Tensor g = result.get(i);
        if (g != null) {
          deliver(inputs[i], g, gradients, ready, watched);
        }
      }
    }
  }

  /** The gradient of the function's output; hooks get one of their own, which they may change. */
  private static Tensor taken(Function f, Map<Function, Tensor> gradients) {
    Tensor total = gradients.remove(f);
    if (f.gradientHooks() == null || total.exclusive()) {
      return total;
    }
    try (total) {
      return Gradients.own(total);
    }
  }

  private static void deliver(
      Variable input,
      Tensor g,
      Map<Function, Tensor> gradients,
      PriorityQueue<Function> ready,
      Map<Variable, Tensor> watched) {
    if (g.dtype() == DType.INT32) {
      throw new IllegalStateException("gradient of integer type");
    }
    if (!input.requiresGrad()) {
      return;
    }
    Function creator = input.creator();
    if (creator == null) {
      if (input.hasHooks()) {
        add(watched, input, g);
      } else {
        input.accumulate(g);
      }
    } else if (add(gradients, creator, g)) {
      ready.add(creator);
    }
  }

  /** Adds a contribution to a gradient; returns whether it is the first one. */
  private static <K> boolean add(Map<K, Tensor> gradients, K of, Tensor g) {
    Tensor total = gradients.get(of);
    if (total == null) {
      gradients.put(of, of instanceof Variable ? Gradients.own(g) : g.share());
      return true;
    }
    Tensor sum = Gradients.sum(total, g);
    if (sum != total) {
      total.close();
      gradients.put(of, sum.share());
    }
    return false;
  }

  /** Stops recording and releases what is still saved. */
  @Override
  public void close() {
    if (CURRENT.get() != this) {
      throw new IllegalStateException("tapes must be closed in the reverse order of opening");
    }
    CURRENT.set(previous);
    functions.forEach(Function::release);
    functions.clear();
  }
}
