package dev.changenet.nn.state;

/**
 * Bounds what one pickle may cost: opcodes and copied elements are counted together, so that a
 * small file can neither run for long nor grow large by repeating itself.
 */
final class PickleBudget {
  /** Some ten times what the largest training checkpoints need. */
  static final int LIMIT = 2_000_000;

  private final ByteCursor in;
  private long spent;

  PickleBudget(ByteCursor in) {
    this.in = in;
  }

  void spend(long amount) {
    spent += amount;
    if (spent > LIMIT) {
      throw in.refuse("the pickle needs more than " + LIMIT + " steps, which no weight file does");
    }
  }
}
