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
  private final StepRandom random;
  private long lastStep = -1;
  private int calls;

  public DropPath(Device device, double p, StepRandom random) {
    super(device);
    this.p = p;
    this.random = random;
  }

  /** x + s[b]·gamma ⊙ y; {@code gamma} [C]. */
  public Variable residual(Variable x, Variable y, Variable gamma) {
    return run(() -> Functional.residual(x, y, gamma, sampleScale(x.dim(0))));
  }

  private float[] sampleScale(int batch) {
    if (p == 0 || !isTraining()) {
      return null;
    }
    // The layer runs once per image of the pair in a step: the draws are independent.
    calls = random.step() == lastStep ? calls + 1 : 0;
    lastStep = random.step();
    RandomStream stream =
        RandomStream.of(random.seed(), "drop_path/" + path(), random.step(), calls);
    float[] scale = new float[batch];
    for (int b = 0; b < batch; b++) {
      scale[b] = stream.nextDouble() < p ? 0f : (float) (1 / (1 - p));
    }
    return scale;
  }
}
