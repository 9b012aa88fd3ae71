package dev.changenet.config;

import java.util.ArrayList;
import java.util.List;

/**
 * The score that tells which of two models is better.
 *
 * @param name as in {@code status.json} and in the scores of {@code evaluate}
 */
public record Monitor(String name) {
  private static final List<String> OVERALL =
      List.of(
          "val_loss",
          "train_loss",
          "val_acc",
          "val_miou",
          "val_mf1",
          "val_mprecision",
          "val_mrecall");

  private static final List<String> PER_CLASS = List.of("iou", "F1", "precision", "recall");

  /** The scores there are for {@code classes} classes. */
  public static List<String> names(int classes) {
    List<String> names = new ArrayList<>(OVERALL);
    for (String score : PER_CLASS) {
      for (int c = 0; c < classes; c++) {
        names.add(score + "_" + c);
      }
    }
    return names;
  }

  /** The same for people: ranges instead of each class. */
  static String list(int classes) {
    List<String> names = new ArrayList<>(OVERALL);
    PER_CLASS.forEach(score -> names.add(score + "_0 … " + score + "_" + (classes - 1)));
    return String.join(", ", names);
  }

  /** True for losses, false for scores that grow with quality. */
  public boolean lowerIsBetter() {
    return name.endsWith("_loss");
  }

  /** True when {@code value} is better than {@code best}; what is no number never is. */
  public boolean isBetter(double value, double best) {
    return lowerIsBetter() ? value < best : value > best;
  }
}
