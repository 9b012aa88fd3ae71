package dev.changenet.check;

import dev.changenet.data.DataSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Classes without pixels or with few, split by split. Needs every mask. */
final class ClassExaminer implements Examiner {
  private static final double RARE_CHANGE = 0.005;
  private static final double RARE_CLASS = 0.001;
  private static final double DOMINANT = 0.6;

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    if (!data.full()) {
      return;
    }
    for (Split split : data.splits()) {
      ClassShares shares = ClassShares.of(data.settings(), split);
      if (split.role().masks() && shares.masks() > 0 && shares.total() > 0) {
        examine(data.settings(), split, shares, found);
      }
    }
  }

  private static void examine(
      CheckSettings settings, Split split, ClassShares shares, Consumer<Finding> found) {
    boolean training = split.role() == Role.TRAIN;
    double changed = shares.changed();
    if (changed == 0) {
      if (!shares.encodingAtFault()) {
        found.accept(
            finding(
                Code.NO_CHANGE,
                training ? Severity.ERROR : Severity.WARNING,
                split,
                "no mask has a changed pixel: "
                    + (training ? "nothing can be learned" : "scores say nothing about change"),
                "put pairs with change into this split"));
      }
      return;
    }
    if (changed > DOMINANT && shares.pixels()[0] > 0) {
      found.accept(
          finding(
              Code.CHANGE_DOMINANT,
              Severity.WARNING,
              split,
              Words.percent(changed) + " of the pixels are changed; are the masks inverted?",
              "look at some masks: class 0 means unchanged"));
    }
    List<Integer> empty =
        IntStream.range(1, settings.data().numClasses())
            .filter(c -> shares.pixels()[c] == 0)
            .boxed()
            .toList();
    if (!empty.isEmpty()) {
      found.accept(
          finding(
              Code.CLASS_EMPTY,
              training ? Severity.WARNING : Severity.NOTE,
              split,
              "no pixel of "
                  + classes(settings, empty)
                  + (training
                      ? ": such change cannot be learned"
                      : ": scores of 0 there lower the means"),
              training
                  ? "add pairs that show it, or lower dataset.segment.num_classes"
                  : "look at the scores of each class, not at the means"));
    }
    rare(settings, split, shares, training, found);
  }

  private static void rare(
      CheckSettings settings,
      Split split,
      ClassShares shares,
      boolean training,
      Consumer<Finding> found) {
    List<Integer> rare = new ArrayList<>();
    int classes = settings.data().numClasses();
    for (int c = 1; c < classes; c++) {
      double share = shares.share(c);
      boolean few = classes == 2 ? share < RARE_CHANGE : training && share < RARE_CLASS;
      if (share > 0 && few) {
        rare.add(c);
      }
    }
    if (!rare.isEmpty()) {
      found.accept(
          finding(
              Code.CLASS_RARE,
              Severity.NOTE,
              split,
              "very few pixels of "
                  + classes(settings, rare)
                  + ": "
                  + Words.percent(shares.share(rare.getFirst())),
              training
                  ? "more such pairs help most"
                  : "scores of this class vary much from set to set"));
    }
  }

  private static String classes(CheckSettings settings, List<Integer> ids) {
    return (ids.size() == 1 ? "class " : "classes ")
        + String.join(", ", ids.stream().map(settings::className).toList());
  }

  private static Finding finding(
      Code code, Severity severity, Split split, String text, String remedy) {
    return new Finding(code, severity, split.name(), List.of(), text, remedy);
  }

  /**
   * Pixels of each class in a split.
   *
   * @param masks masks that could be read
   * @param pixels by class, ignored ones left out
   * @param ignored pixels of value 255 that stay 255
   * @param encodingAtFault whether some mask holds values above 0, though nothing is changed
   */
  record ClassShares(int masks, long[] pixels, long ignored, boolean encodingAtFault) {

    static ClassShares of(CheckSettings settings, Split split) {
      DataSettings data = settings.data();
      MaskEncoding encoding = MaskEncoding.of(data, List.of());
      long[] pixels = new long[data.numClasses()];
      long ignored = 0;
      int masks = 0;
      boolean values = false;
      boolean unknown = false;
      for (PairFacts pair : split.pairs()) {
        if (pair.values == null || !pair.values.numbers()) {
          unknown |= pair.values != null;
          continue;
        }
        masks++;
        for (int i = 0; i < pair.values.values().length; i++) {
          int value = pair.values.values()[i];
          int id = encoding.classOf(value);
          values |= value > 0;
          if (id == DataSettings.IGNORE) {
            ignored += pair.values.counts()[i];
          } else if (id < pixels.length) {
            pixels[id] += pair.values.counts()[i];
          }
        }
      }
      return new ClassShares(masks, pixels, ignored, values || unknown);
    }

    long total() {
      long sum = 0;
      for (long n : pixels) {
        sum += n;
      }
      return sum;
    }

    double share(int id) {
      return total() == 0 ? 0 : (double) pixels[id] / total();
    }

    /** Share of all classes above 0. */
    double changed() {
      return total() == 0 ? 0 : 1 - share(0);
    }
  }
}
