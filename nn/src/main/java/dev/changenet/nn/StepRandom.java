package dev.changenet.nn;

/**
 * Seed and number of the running training step: what random layers key their draws on, so that a
 * resumed run draws the same.
 */
public final class StepRandom {
  private long seed;
  private long step;
  private long starts;

  /**
   * Declares which optimizer step runs next. Draws start anew, as after {@code torch.manual_seed}:
   * the same seed and step give the same numbers again.
   */
  public void set(long seed, long step) {
    this.seed = seed;
    this.step = step;
    starts++;
  }

  /**
   * Declares that another part of the same step follows, with a seed of its own. Layers go on
   * counting their calls.
   */
  public void nextPart(long seed) {
    this.seed = seed;
  }

  public long seed() {
    return seed;
  }

  public long step() {
    return step;
  }

  /** Number of calls of {@link #set} so far. */
  long starts() {
    return starts;
  }
}
