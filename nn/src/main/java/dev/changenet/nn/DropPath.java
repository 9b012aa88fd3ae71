package dev.changenet.nn;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.Device;

/**
 * Residual connection with stochastic depth: x + keep·gamma ⊙ y, where a whole sample's branch is
 * dropped with probability p in training and the others are divided by 1 − p.
 */
public final class DropPath extends Module {
  private final double p;
  private final StepDraws draws;

  public DropPath(Device device, double p, StepRandom random) {
    super(device);
    this.p = p;
    this.draws = new StepDraws(random);
  }

  /** x + s[b]·gamma ⊙ y; {@code gamma} [C]. */
  public Variable residual(Variable x, Variable y, Variable gamma) {
    return residual(x, y, gamma, draw(x.dim(0)));
  }

  /** The same with factors from {@link #draw}. */
  public Variable residual(Variable x, Variable y, Variable gamma, float[] scale) {
    return run(() -> Functional.residual(x, y, gamma, scale));
  }

  /**
   * Draws for one call: a factor per sample, or null outside training. For those who compute the
   * residual themselves, possibly twice.
   */
  public float[] draw(int batch) {
    if (p == 0 || !isTraining()) {
      return null;
    }
    float[] scale = new float[batch];
    int samples = batch / JoinedBatches.count();
    RandomStream stream = null;
    for (int b = 0; b < batch; b++) {
      if (b % samples == 0) {
        stream = draws.next("drop_path/" + path());
      }
      scale[b] = stream.nextDouble() < p ? 0f : (float) (1 / (1 - p));
    }
    return scale;
  }
}
