package dev.changenet.metrics;

import java.util.Arrays;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Counts pixels by true and predicted class and derives the scores.
 *
 * <p>Accumulate over a whole split, then read {@link #scores}. Pixels whose label is outside 0 … n
 * − 1, such as 255, are left out.
 */
public final class ConfusionMatrix {
  /** Float32 machine epsilon, added to every denominator: an absent class scores 0. */
  private static final double EPSILON = 1.1920928955078125e-7;

  private final int classes;
  private final long[] counts;

  /** Creates an empty matrix for {@code classes} classes, at least 2. */
  public ConfusionMatrix(int classes) {
    if (classes < 2) {
      throw new IllegalArgumentException(
          "confusion matrix: at least 2 classes are needed, got " + classes);
    }
    this.classes = classes;
    this.counts = new long[classes * classes];
  }

  /** Number of classes. */
  public int classes() {
    return classes;
  }

  /** Number of pixels of true class {@code label} predicted as {@code prediction}. */
  public long count(int label, int prediction) {
    return counts[label * classes + prediction];
  }

  /** Number of pixels counted. */
  public long total() {
    return Arrays.stream(counts).sum();
  }

  /** Counts {@code pixels} more pixels of true class {@code label} predicted as another. */
  public void add(int label, int prediction, long pixels) {
    if (prediction < 0 || prediction >= classes) {
      throw new IllegalArgumentException(
          "confusion matrix: predictions must be within 0…"
              + (classes - 1)
              + ", got "
              + prediction);
    }
    if (label >= 0 && label < classes) {
      counts[label * classes + prediction] += pixels;
    }
  }

  /** Counts one pixel per entry; both arrays have the same length. */
  public void add(int[] labels, int[] predictions) {
    if (labels.length != predictions.length) {
      throw new IllegalArgumentException(
          "confusion matrix: "
              + labels.length
              + " labels but "
              + predictions.length
              + " predictions");
    }
    for (int i = 0; i < labels.length; i++) {
      add(labels[i], predictions[i], 1);
    }
  }

  /** Adds the counts of {@code other}, which has as many classes. */
  public void add(ConfusionMatrix other) {
    if (other.classes != classes) {
      throw new IllegalArgumentException(
          "confusion matrix: cannot add " + other.classes + " classes to " + classes);
    }
    for (int i = 0; i < counts.length; i++) {
      counts[i] += other.counts[i];
    }
  }

  /**
   * Returns all scores, sorted by name: {@code acc}, the means {@code miou}, {@code mf1}, {@code
   * mprecision}, {@code mrecall} over all classes, and per class c {@code iou_c}, {@code F1_c},
   * {@code precision_c}, {@code recall_c}.
   */
  public SortedMap<String, Double> scores() {
    TreeMap<String, Double> scores = new TreeMap<>();
    double correct = 0;
    double iouSum = 0;
    double f1Sum = 0;
    double precisionSum = 0;
    double recallSum = 0;
    for (int c = 0; c < classes; c++) {
      double truePositives = count(c, c);
      double row = 0;
      double column = 0;
      for (int k = 0; k < classes; k++) {
        row += count(c, k);
        column += count(k, c);
      }
      double recall = truePositives / (row + EPSILON);
      double precision = truePositives / (column + EPSILON);
      double f1 = 2 * recall * precision / (recall + precision + EPSILON);
      double iou = truePositives / (row + column - truePositives + EPSILON);
      scores.put("recall_" + c, recall);
      scores.put("precision_" + c, precision);
      scores.put("F1_" + c, f1);
      scores.put("iou_" + c, iou);
      correct += truePositives;
      iouSum += iou;
      f1Sum += f1;
      precisionSum += precision;
      recallSum += recall;
    }
    scores.put("acc", correct / (total() + EPSILON));
    scores.put("miou", iouSum / classes);
    scores.put("mf1", f1Sum / classes);
    scores.put("mprecision", precisionSum / classes);
    scores.put("mrecall", recallSum / classes);
    return Collections.unmodifiableSortedMap(scores);
  }
}
