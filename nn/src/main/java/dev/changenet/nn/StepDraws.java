package dev.changenet.nn;

import dev.changenet.nn.random.RandomStream;

/**
 * The random draws of one layer: a stream for each of its calls in a step, which depends on seed,
 * step and the number of the call only. A layer asks once per image of a pair, so calls differ.
 * {@link StepRandom#set} starts the count anew.
 */
public final class StepDraws {
  private final StepRandom random;
  private long lastStart = -1;
  private int calls;

  public StepDraws(StepRandom random) {
    this.random = random;
  }

  /**
   * Returns the stream of the next call in the running step.
   *
   * @param purpose what is drawn, and by which layer
   */
  public RandomStream next(String purpose) {
    calls = random.starts() == lastStart ? calls + 1 : 0;
    lastStart = random.starts();
    return RandomStream.of(random.seed(), purpose, random.step(), calls);
  }
}
