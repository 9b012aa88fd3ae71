package dev.changenet.nn;

/**
 * Seed and number of the running training step: what random layers key their draws on, so that a
 * resumed run draws the same.
 */
public final class StepRandom {
  private long seed;
  private long step;

  /** Declares which optimizer step runs next. */
  public void set(long seed, long step) {
    this.seed = seed;
    this.step = step;
  }

  public long seed() {
    return seed;
  }

  public long step() {
    return step;
  }
}
