package dev.changenet.nn.optim;

import dev.changenet.tensor.ChangeNetException;
import java.util.Locale;
import java.util.Map;

/**
 * The factor that a loss is multiplied by before the backward pass, so that small gradients don't
 * vanish in float16 (Micikevicius et al., "Mixed Precision Training", 2018). Gradients are divided
 * by it before the update, which is left out where one of them is not finite.
 *
 * <p>Values, rule and state are those of {@code torch.amp.GradScaler}: 65536 at first, doubled
 * after 2000 updates in a row, halved after one that was left out.
 */
public final class LossScale {
  /** Where a smaller factor would be needed, the gradients themselves are at fault. */
  private static final double SMALLEST = 0x1p-13;

  private double scale = 65536;
  private double growthFactor = 2;
  private double backoffFactor = 0.5;
  private long growthInterval = 2000;
  private long growthTracker;

  /** The factor of the next step. */
  public double scale() {
    return scale;
  }

  /**
   * Takes in the outcome of a step.
   *
   * @param finite whether all gradients were finite
   */
  public void update(boolean finite) {
    if (!finite) {
      scale = (float) (scale * backoffFactor);
      growthTracker = 0;
      return;
    }
    growthTracker++;
    if (growthTracker == growthInterval) {
      growthTracker = 0;
      float grown = (float) (scale * growthFactor);
      scale = Float.isInfinite(grown) ? scale : grown;
    }
  }

  /**
   * @throws ChangeNetException when the factor has become so small that the gradients must be wrong
   *     themselves
   */
  public void requireUsable() {
    if (scale < SMALLEST) {
      throw new ChangeNetException(
          "the gradients of many steps in a row were not finite, though the loss scale fell to "
              + this
              + "; lower train.optim.lr, or train with train.precision bf16-mixed or 32-true");
    }
  }

  /** What a checkpoint keeps, by PyTorch's names. */
  public Map<String, Object> state() {
    return Optimizer.ordered(
        "scale",
        scale,
        "growth_factor",
        growthFactor,
        "backoff_factor",
        backoffFactor,
        "growth_interval",
        growthInterval,
        "_growth_tracker",
        growthTracker);
  }

  /**
   * Goes on from {@link #state}.
   *
   * @throws IllegalArgumentException naming an entry that is absent or out of range
   */
  public void restore(Map<?, ?> state) {
    double storedScale = number(state, "scale", Double.MIN_NORMAL, Float.MAX_VALUE);
    double growth = number(state, "growth_factor", 1, Float.MAX_VALUE);
    double backoff = number(state, "backoff_factor", Double.MIN_NORMAL, 1);
    long interval = (long) number(state, "growth_interval", 1, Integer.MAX_VALUE);
    growthTracker = (long) number(state, "_growth_tracker", 0, interval - 1.0);
    scale = storedScale;
    growthFactor = growth;
    backoffFactor = backoff;
    growthInterval = interval;
  }

  private static double number(Map<?, ?> state, String key, double least, double most) {
    if (state.get(key) instanceof Number n && n.doubleValue() >= least && n.doubleValue() <= most) {
      return n.doubleValue();
    }
    throw new IllegalArgumentException(
        "'"
            + key
            + "' must be a number from "
            + least
            + " to "
            + most
            + ", found "
            + state.get(key));
  }

  /** The factor as a number without needless digits. */
  @Override
  public String toString() {
    return scale == Math.rint(scale) && scale < 1e15
        ? String.format(Locale.ROOT, "%.0f", scale)
        : String.format(Locale.ROOT, "%.3g", scale);
  }
}
