package dev.changenet.metrics;

/**
 * How well one pair was predicted.
 *
 * @param name list entry of the pair
 * @param iou intersection over union of the changed classes, the mean over those that occur in
 *     truth or prediction; NaN when none does
 * @param f1 likewise
 * @param accuracy share of pixels with the right class; NaN when all are ignored
 * @param truth changed pixels of the truth
 * @param predicted changed pixels of the prediction, ignored ones left out
 * @param wrong pixels with the wrong class
 * @param pixels pixels that count
 */
public record PairScore(
    String name,
    double iou,
    double f1,
    double accuracy,
    long truth,
    long predicted,
    long wrong,
    long pixels) {

  /** Scores a pair from its own matrix. */
  public static PairScore of(String name, ConfusionMatrix matrix) {
    double iou = 0;
    double f1 = 0;
    int occurring = 0;
    long right = matrix.count(0, 0);
    long unchanged = 0;
    long predictedUnchanged = 0;
    for (int k = 0; k < matrix.classes(); k++) {
      unchanged += matrix.count(0, k);
      predictedUnchanged += matrix.count(k, 0);
    }
    for (int c = 1; c < matrix.classes(); c++) {
      long both = 0;
      for (int k = 0; k < matrix.classes(); k++) {
        both += matrix.count(c, k) + matrix.count(k, c);
      }
      right += matrix.count(c, c);
      if (both > 0) {
        occurring++;
        iou += (double) matrix.count(c, c) / (both - matrix.count(c, c));
        f1 += 2.0 * matrix.count(c, c) / both;
      }
    }
    long pixels = matrix.total();
    return new PairScore(
        name,
        iou / occurring,
        f1 / occurring,
        (double) right / pixels,
        pixels - unchanged,
        pixels - predictedUnchanged,
        pixels - right,
        pixels);
  }
}
