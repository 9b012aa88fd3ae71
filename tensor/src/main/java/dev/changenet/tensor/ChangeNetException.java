package dev.changenet.tensor;

/**
 * A failure whose message is meant for the user: one sentence that says what is wrong, what was
 * found, what was expected and what to do.
 *
 * <p>Programming errors use {@link IllegalArgumentException} and {@link IllegalStateException}
 * instead.
 */
public class ChangeNetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChangeNetException(String message) {
    super(message);
  }

  public ChangeNetException(String message, Throwable cause) {
    super(message, cause);
  }
}
