package dev.changenet.train;

/** Asks a run to stop at the next safe point; set by the handler of Ctrl-C. */
public final class Interruption {
  private volatile boolean requested;

  public void request() {
    requested = true;
  }

  public boolean isRequested() {
    return requested;
  }

  /** Throws {@link InterruptedRunException} when a stop was requested. */
  public void check() {
    if (requested) {
      throw new InterruptedRunException();
    }
  }
}
