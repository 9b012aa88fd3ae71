package dev.changenet.autograd;

import java.util.List;
import java.util.Objects;

/**
 * Takes a hook off again, as PyTorch's class of this name does. Closing it is the same, so that a
 * hook can last as long as a block:
 *
 * <pre>{@code
 * try (var _ = module.registerForwardHook((m, output) -> …)) {
 *   net.forward(a, b);
 * }
 * }</pre>
 */
public final class RemovableHandle implements AutoCloseable {
  private Runnable removal;

  private RemovableHandle(Runnable removal) {
    this.removal = removal;
  }

  /**
   * Adds {@code hook} to {@code hooks} and returns the handle that removes it.
   *
   * @param hooks a list that may change while it is iterated
   */
  public static <T> RemovableHandle add(List<T> hooks, T hook) {
    Objects.requireNonNull(hook, "hook is null");
    hooks.add(hook);
    return new RemovableHandle(() -> hooks.remove(hook));
  }

  /** Removes the hook; calling it again does nothing. A pass that runs may still call the hook. */
  public void remove() {
    if (removal != null) {
      removal.run();
      removal = null;
    }
  }

  /** The same as {@link #remove}. */
  @Override
  public void close() {
    remove();
  }
}
