package dev.changenet.report;

import dev.changenet.data.Batch;
import dev.changenet.image.RgbImage;
import dev.changenet.metrics.ConfusionMatrix;
import dev.changenet.metrics.ObjectScores;
import dev.changenet.metrics.PairScore;
import dev.changenet.metrics.ThresholdCurve;
import dev.changenet.picture.PairPictures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Collects what a report tells of the predictions for a split. Memory does not grow with the
 * pixels: counts, a line per pair, and the pictures of the few pairs that are shown.
 */
public final class Evaluation {
  /** Pairs shown at each end of the ranking. */
  private static final int SHOWN = 8;

  /** A pair that is shown. */
  record Ranked(int index, PairScore score, PairImages images) {}

  /** From the worst on: low IoU first, of equal ones the one with more wrong pixels. */
  private static final Comparator<Ranked> WORST =
      Comparator.<Ranked>comparingDouble(r -> r.score.iou())
          .thenComparing(Comparator.<Ranked>comparingLong(r -> r.score.wrong()).reversed())
          .thenComparing(Ranked::index);

  /** From the best on: high IoU first, of equal ones the one with more change. */
  private static final Comparator<Ranked> BEST =
      Comparator.<Ranked>comparingDouble(r -> -r.score.iou())
          .thenComparing(Comparator.<Ranked>comparingLong(r -> r.score.truth()).reversed())
          .thenComparing(Ranked::index);

  private final List<String> classNames;
  private final PairPictures pictures;
  private final ConfusionMatrix matrix;
  private final ThresholdCurve[] curves;
  private final ThresholdCurve change = new ThresholdCurve();
  private final ObjectScores objects = new ObjectScores();
  private final List<PairScore> pairs = new ArrayList<>();
  private final List<Ranked> worst = new ArrayList<>();
  private final List<Ranked> best = new ArrayList<>();
  private double lossSum;
  private int imgSize;

  /**
   * Creates an empty collection.
   *
   * @param classNames a name for each class
   * @param pictures undoes the normalisation of pictures and knows the classes' colours
   */
  public Evaluation(List<String> classNames, PairPictures pictures) {
    this.classNames = List.copyOf(classNames);
    this.pictures = pictures;
    this.matrix = new ConfusionMatrix(classNames.size());
    this.curves = new ThresholdCurve[classNames.size()];
    Arrays.setAll(curves, c -> new ThresholdCurve());
  }

  /**
   * Adds a batch.
   *
   * @param ids predicted class ids [n, S, S]
   * @param probabilities probability of each class [n, S, S, K]
   * @param loss mean loss of its pairs
   */
  public void add(Batch batch, int[] ids, float[] probabilities, double loss) {
    imgSize = batch.imgSize();
    int pixels = imgSize * imgSize;
    lossSum += loss * batch.size();
    addProbabilities(batch.labels(), probabilities);
    for (int i = 0; i < batch.size(); i++) {
      ConfusionMatrix own = new ConfusionMatrix(matrix.classes());
      for (int at = i * pixels; at < (i + 1) * pixels; at++) {
        own.add(batch.labels()[at], ids[at], 1);
      }
      matrix.add(own);
      objects.add(batch.labels(), ids, i * pixels, imgSize);
      PairScore score = PairScore.of(batch.names().get(i), own);
      rank(batch, ids, i, score);
      pairs.add(score);
    }
  }

  private void addProbabilities(int[] labels, float[] probabilities) {
    int k = matrix.classes();
    for (int at = 0; at < labels.length; at++) {
      int label = labels[at];
      if (label < 0 || label >= k) {
        continue;
      }
      for (int c = 0; c < k; c++) {
        curves[c].add(probabilities[at * k + c], label == c);
      }
      change.add(1.0 - probabilities[at * k], label != 0);
    }
  }

  /** Pairs without change, predicted so, are neither good nor bad examples. */
  private void rank(Batch batch, int[] ids, int sample, PairScore score) {
    if (Double.isNaN(score.iou())) {
      return;
    }
    Ranked bare = new Ranked(pairs.size(), score, null);
    boolean bad = belongs(worst, bare, WORST);
    boolean good = belongs(best, bare, BEST);
    if (bad || good) {
      int offset = sample * imgSize * imgSize;
      RgbImage a = pictures.picture(batch.a(), offset * RgbImage.CHANNELS, imgSize);
      RgbImage b = pictures.picture(batch.b(), offset * RgbImage.CHANNELS, imgSize);
      int[][] colors = new int[matrix.classes()][];
      Arrays.setAll(colors, pictures::color);
      PairImages images =
          PairImages.of(
              a,
              b,
              Arrays.copyOfRange(batch.labels(), offset, offset + imgSize * imgSize),
              Arrays.copyOfRange(ids, offset, offset + imgSize * imgSize),
              colors);
      Ranked shown = new Ranked(pairs.size(), score, images);
      if (bad) {
        insert(worst, shown, WORST);
      }
      if (good) {
        insert(best, shown, BEST);
      }
    }
  }

  private static boolean belongs(List<Ranked> list, Ranked one, Comparator<Ranked> order) {
    return list.size() < SHOWN || order.compare(one, list.getLast()) < 0;
  }

  private static void insert(List<Ranked> list, Ranked one, Comparator<Ranked> order) {
    list.add(-1 - Collections.binarySearch(list, one, order), one);
    if (list.size() > SHOWN) {
      list.removeLast();
    }
  }

  /** The worst pairs, the worst first; of few pairs the worse half. */
  List<Ranked> worst() {
    return worst.subList(0, Math.min(worst.size(), Math.ceilDiv(rankedPairs(), 2)));
  }

  /** The best pairs, the best first; none of the worst among them. */
  List<Ranked> best() {
    List<Integer> taken = worst().stream().map(Ranked::index).toList();
    return best.stream().filter(r -> !taken.contains(r.index())).toList();
  }

  private int rankedPairs() {
    return (int) pairs.stream().filter(p -> !Double.isNaN(p.iou())).count();
  }

  /** A name for each class. */
  public List<String> classNames() {
    return classNames;
  }

  /** Colour of a class. */
  int[] color(int id) {
    return pictures.color(id);
  }

  /** Pixels by true and predicted class. */
  public ConfusionMatrix matrix() {
    return matrix;
  }

  /** Thresholds on the probability of class {@code id}. */
  public ThresholdCurve curve(int id) {
    return curves[id];
  }

  /** Thresholds on the probability of any change, 1 − p(class 0). */
  public ThresholdCurve change() {
    return change;
  }

  /** Scores of whole objects. */
  public ObjectScores objects() {
    return objects;
  }

  /** Each pair's scores, in list order. */
  public List<PairScore> pairs() {
    return Collections.unmodifiableList(pairs);
  }

  /** Mean loss of the pairs. */
  public double loss() {
    return lossSum / pairs.size();
  }

  /** Side of the images that were predicted, in pixels; 0 before the first batch. */
  public int imgSize() {
    return imgSize;
  }
}
