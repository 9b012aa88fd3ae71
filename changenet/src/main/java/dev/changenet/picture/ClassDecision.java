package dev.changenet.picture;

import dev.changenet.image.Mask;
import java.util.OptionalDouble;

/**
 * Chooses the class of a pixel from the probabilities.
 *
 * @param threshold t: where 1 − p(class 0) ≥ t, the pixel gets the most probable class above 0,
 *     else class 0; empty for the most probable class of all. Of equal ones the first is taken.
 */
public record ClassDecision(OptionalDouble threshold) {

  /** The most probable class of all. */
  public static final ClassDecision MOST_PROBABLE = new ClassDecision(OptionalDouble.empty());

  /** Returns the class of the pixel whose {@code classes} probabilities start at {@code offset}. */
  public int classOf(float[] probabilities, int offset, int classes) {
    if (threshold.isPresent() && 1f - probabilities[offset] < (float) threshold.getAsDouble()) {
      return 0;
    }
    int best = threshold.isPresent() ? 1 : 0;
    for (int k = best + 1; k < classes; k++) {
      if (probabilities[offset + k] > probabilities[offset + best]) {
        best = k;
      }
    }
    return best;
  }

  /** Returns the class of each pixel. */
  public Mask mask(ProbabilityMap map) {
    byte[] ids = new byte[map.width() * map.height()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (byte) classOf(map.values(), i * map.classes(), map.classes());
    }
    return new Mask(map.width(), map.height(), ids);
  }
}
