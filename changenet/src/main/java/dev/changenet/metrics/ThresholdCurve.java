package dev.changenet.metrics;

import java.util.ArrayList;
import java.util.List;

/**
 * Precision and recall of "is it this?" for every threshold on a probability, from counts in
 * {@value #BINS} equal bins: memory does not grow with the pixels.
 *
 * <p>A pixel is positive at threshold t when its probability is at least t; thresholds are i /
 * 1000.
 */
public final class ThresholdCurve {
  /** Bins of the probabilities 0 to 1. */
  public static final int BINS = 1000;

  private final long[] positives = new long[BINS];
  private final long[] negatives = new long[BINS];

  /**
   * Precision, recall and F1 at a threshold.
   *
   * @param threshold within 0–1
   * @param precision 1 when nothing is predicted
   * @param recall 0 when there is nothing to find
   * @param f1 their harmonic mean, 0 when nothing is found
   */
  public record Point(double threshold, double precision, double recall, double f1) {}

  /** Counts a pixel; the probability is clipped to 0–1. */
  public void add(double probability, boolean truth) {
    int bin = (int) (probability * BINS);
    bin = bin < 0 ? 0 : Math.min(bin, BINS - 1);
    if (truth) {
      positives[bin]++;
    } else {
      negatives[bin]++;
    }
  }

  /** Pixels that are truly positive. */
  public long positives() {
    return sum(positives);
  }

  /** Pixels counted. */
  public long total() {
    return sum(positives) + sum(negatives);
  }

  /** Returns a point per threshold, the highest threshold first, so that recall never falls. */
  public List<Point> points() {
    List<Point> points = new ArrayList<>(BINS);
    double all = positives();
    long hits = 0;
    long predicted = 0;
    for (int i = BINS - 1; i >= 0; i--) {
      hits += positives[i];
      predicted += positives[i] + negatives[i];
      double precision = predicted == 0 ? 1 : (double) hits / predicted;
      double recall = all == 0 ? 0 : hits / all;
      double f1 = hits == 0 ? 0 : 2.0 * hits / (all + predicted);
      points.add(new Point((double) i / BINS, precision, recall, f1));
    }
    return points;
  }

  /** Returns the point at the lowest threshold that is at least {@code threshold}. */
  public Point at(double threshold) {
    List<Point> points = points();
    int bin = Math.clamp((int) Math.ceil(threshold * BINS - 1e-9), 0, BINS - 1);
    return points.get(BINS - 1 - bin);
  }

  /**
   * Returns the point of the best F1; of equal ones the middle one, so that a threshold lies far
   * from the others on both sides. Threshold 0, at which everything is positive, is none.
   */
  public Point best() {
    List<Point> points = points();
    int first = 0;
    int last = 0;
    for (int i = 1; i < points.size() - 1; i++) {
      if (points.get(i).f1() > points.get(first).f1()) {
        first = i;
        last = i;
      } else if (points.get(i).f1() == points.get(first).f1() && last == i - 1) {
        last = i;
      }
    }
    return points.get((first + last) / 2);
  }

  /** Average precision: the precisions, weighted by the recall that each threshold adds. */
  public double averagePrecision() {
    double sum = 0;
    double recall = 0;
    for (Point p : points()) {
      sum += (p.recall() - recall) * p.precision();
      recall = p.recall();
    }
    return sum;
  }

  private static long sum(long[] counts) {
    long sum = 0;
    for (long c : counts) {
      sum += c;
    }
    return sum;
  }
}
