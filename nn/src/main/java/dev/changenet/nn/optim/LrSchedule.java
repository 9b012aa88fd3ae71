package dev.changenet.nn.optim;

/** Learning rate of each epoch; constant within one. */
public enum LrSchedule {
  /** lr·(1 − e/(E + 1)). */
  LINEAR {
    @Override
    public double rate(double base, int epoch, int epochs) {
      return base * (1.0 - epoch / (double) (epochs + 1));
    }
  },
  /** lr·0.1^⌊e/s⌋ with s = ⌊E/3⌋. */
  STEP {
    @Override
    public double rate(double base, int epoch, int epochs) {
      return stepped(base, epoch, epochs / 3);
    }
  };

  /**
   * Rate during {@code epoch} (zero-based) of {@code epochs}.
   *
   * @param base rate of epoch 0
   */
  public abstract double rate(double base, int epoch, int epochs);

  /** lr·0.1^⌊e/stepSize⌋, multiplied step by step as the reference accumulates it. */
  public static double stepped(double base, int epoch, int stepSize) {
    double lr = base;
    for (int i = stepSize; i <= epoch; i += stepSize) {
      lr *= 0.1;
    }
    return lr;
  }
}
