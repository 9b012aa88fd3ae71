package dev.changenet.train;

import dev.changenet.tensor.ChangeNetException;

/** The user or the system asked the run to stop. */
public final class InterruptedRunException extends ChangeNetException {
  private static final long serialVersionUID = 1L;

  public InterruptedRunException() {
    super("interrupted");
  }
}
