package dev.changenet.tensor;

import java.util.ArrayList;
import java.util.List;

/**
 * Closes the temporaries of a computation: every tensor made by this thread while the scope is open
 * is closed with it, unless it was {@linkplain #keep kept} (handed to the enclosing scope) or
 * {@linkplain Tensor#detached() detached}.
 *
 * <pre>{@code
 * try (Scope scope = Scope.open()) {
 *   Tensor hidden = ...;
 *   return scope.keep(result);
 * }
 * }</pre>
 *
 * <p>What the autograd tape saves for backward holds its own reference, so scopes inside modules
 * release only what nobody needs any more.
 */
public final class Scope implements AutoCloseable {
  private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();

  private final Scope parent;
  private final List<Tensor> tensors = new ArrayList<>();

  private Scope(Scope parent) {
    this.parent = parent;
  }

  /** Opens a scope inside the thread's current one. */
  public static Scope open() {
    Scope scope = new Scope(CURRENT.get());
    CURRENT.set(scope);
    return scope;
  }

  static Scope current() {
    return CURRENT.get();
  }

  void add(Tensor tensor) {
    tensors.add(tensor);
  }

  /** Hands {@code tensor} to the enclosing scope (or to the caller, when there is none). */
  public Tensor keep(Tensor tensor) {
    if (tensor.scope() == this) {
      tensor.moveTo(parent);
    }
    return tensor;
  }

  /** Closes every tensor that is still this scope's. */
  @Override
  public void close() {
    if (CURRENT.get() != this) {
      throw new IllegalStateException("scopes must be closed in the reverse order of opening");
    }
    CURRENT.set(parent);
    for (Tensor t : tensors) {
      if (t.scope() == this) {
        t.close();
      }
    }
    tensors.clear();
  }
}
