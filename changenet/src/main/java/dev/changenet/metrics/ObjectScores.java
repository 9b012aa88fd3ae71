package dev.changenet.metrics;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/**
 * Scores of whole changes instead of pixels. An object is an 8-connected area of changed pixels,
 * whatever their class; ignored pixels belong to none.
 *
 * <p>By overlap, a true object is found when at least half of its pixels are predicted as changed,
 * and a predicted one is right when at least half of its pixels are truly changed; so one predicted
 * area may cover several true ones. By IoU, two objects match when their intersection is at least
 * half of their union.
 */
public final class ObjectScores {
  private static final int NO_CLASS = 255;

  /** Size of an object by its area in pixels. */
  public enum Size {
    SMALL(32 * 32),
    MEDIUM(96 * 96),
    LARGE(Integer.MAX_VALUE);

    private final int below;

    Size(int below) {
      this.below = below;
    }

    /** Returns the size that {@code area} pixels make. */
    public static Size of(int area) {
      return area < SMALL.below ? SMALL : area < MEDIUM.below ? MEDIUM : LARGE;
    }
  }

  /** Counts of the objects of one size; true ones by their own area, predicted ones by theirs. */
  public static final class Counts {
    private long truths;
    private long found;
    private long foundByIou;
    private long predictions;
    private long right;
    private long rightByIou;

    /** True objects. */
    public long truths() {
      return truths;
    }

    /** True objects found. */
    public long found(boolean byIou) {
      return byIou ? foundByIou : found;
    }

    /** Predicted objects. */
    public long predictions() {
      return predictions;
    }

    /** Predicted objects that are right. */
    public long right(boolean byIou) {
      return byIou ? rightByIou : right;
    }

    /** Share of the true objects that are found; NaN when there is none. */
    public double recall(boolean byIou) {
      return (double) found(byIou) / truths;
    }

    /** Share of the predicted objects that are right; NaN when there is none. */
    public double precision(boolean byIou) {
      return (double) right(byIou) / predictions;
    }

    private void add(Counts other) {
      truths += other.truths;
      found += other.found;
      foundByIou += other.foundByIou;
      predictions += other.predictions;
      right += other.right;
      rightByIou += other.rightByIou;
    }
  }

  private final Map<Size, Counts> counts = new EnumMap<>(Size.class);

  /** Creates empty counts. */
  public ObjectScores() {
    for (Size size : Size.values()) {
      counts.put(size, new Counts());
    }
  }

  /** Counts of the objects of {@code size}. */
  public Counts of(Size size) {
    return counts.get(size);
  }

  /** Counts of all objects. */
  public Counts all() {
    Counts all = new Counts();
    counts.values().forEach(all::add);
    return all;
  }

  /**
   * Adds the objects of an image.
   *
   * @param labels true class ids [size, size] from {@code offset} on, 255 for ignored pixels
   * @param predictions predicted class ids, likewise
   */
  public void add(int[] labels, int[] predictions, int offset, int size) {
    boolean[] truth = new boolean[size * size];
    boolean[] predicted = new boolean[size * size];
    for (int i = 0; i < truth.length; i++) {
      int label = labels[offset + i];
      truth[i] = label != 0 && label != NO_CLASS;
      predicted[i] = predictions[offset + i] != 0 && label != NO_CLASS;
    }
    add(Components.of(truth, size, size), Components.of(predicted, size, size));
  }

  private void add(Components truth, Components predicted) {
    int[] covered = new int[truth.areas().length];
    int[] hits = new int[predicted.areas().length];
    boolean[] matchedTruth = new boolean[covered.length];
    boolean[] matchedPrediction = new boolean[hits.length];
    overlaps(truth, predicted)
        .forEach(
            (pair, shared) -> {
              int t = (int) (pair >>> 32);
              int p = pair.intValue();
              covered[t] += shared;
              hits[p] += shared;
              if (2L * shared >= (long) truth.areas()[t] + predicted.areas()[p] - shared) {
                matchedTruth[t] = true;
                matchedPrediction[p] = true;
              }
            });
    for (int t = 1; t < covered.length; t++) {
      Counts c = counts.get(Size.of(truth.areas()[t]));
      c.truths++;
      c.found += 2L * covered[t] >= truth.areas()[t] ? 1 : 0;
      c.foundByIou += matchedTruth[t] ? 1 : 0;
    }
    for (int p = 1; p < hits.length; p++) {
      Counts c = counts.get(Size.of(predicted.areas()[p]));
      c.predictions++;
      c.right += 2L * hits[p] >= predicted.areas()[p] ? 1 : 0;
      c.rightByIou += matchedPrediction[p] ? 1 : 0;
    }
  }

  /** Pixels that a true and a predicted object share; the key holds both numbers. */
  private static Map<Long, Integer> overlaps(Components truth, Components predicted) {
    Map<Long, Integer> shared = new HashMap<>();
    int[] t = truth.ids();
    int[] p = predicted.ids();
    int i = 0;
    while (i < t.length) {
      int begin = i;
      while (i < t.length && t[i] == t[begin] && p[i] == p[begin]) {
        i++;
      }
      if (t[begin] != 0 && p[begin] != 0) {
        shared.merge((long) t[begin] << 32 | p[begin], i - begin, Integer::sum);
      }
    }
    return shared;
  }
}
