package dev.changenet.autograd;

/** Suspends recording on this thread until closed. */
public final class NoGrad implements AutoCloseable {
  private final Tape suspended = Tape.suspend();

  /** Suspends the current tape, if any. */
  public static NoGrad open() {
    return new NoGrad();
  }

  private NoGrad() {}

  @Override
  public void close() {
    Tape.resume(suspended);
  }
}
