package dev.changenet.check;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Pictures without content, and pairs whose pictures are one. */
final class PictureExaminer implements Examiner {
  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    List<PairFacts> blankPairs = new ArrayList<>();
    List<String> blank = new ArrayList<>();
    List<PairFacts> same = new ArrayList<>();
    for (PairFacts pair : data.pairs()) {
      boolean a = pair.pictureA != null && pair.pictureA.blank();
      boolean b = pair.pictureB != null && pair.pictureB.blank();
      if (a) {
        blank.add(pair.a.shown);
      }
      if (b) {
        blank.add(pair.b.shown);
      }
      if (a || b) {
        blankPairs.add(pair);
      } else if (pair.pictureA != null
          && pair.pictureB != null
          && pair.pictureA.exact().equals(pair.pictureB.exact())
          && showsChange(pair)) {
        same.add(pair);
      }
    }
    if (!blank.isEmpty()) {
      found.accept(
          new Finding(
              Code.PICTURE_BLANK,
              Severity.WARNING,
              data.splitsOf(blankPairs),
              blank,
              Words.count(blank.size(), "picture") + " of a single colour: nothing to see there",
              "replace them, or remove the entries"));
    }
    if (!same.isEmpty()) {
      found.accept(
          new Finding(
              Code.PAIR_IDENTICAL,
              Severity.WARNING,
              data.splitsOf(same),
              same.stream().map(p -> p.b.shown).toList(),
              Words.count(same.size(), "pair")
                  + " whose pictures are identical, though the mask shows change",
              "look for the real second picture, or remove the entries"));
    }
  }

  private static boolean showsChange(PairFacts pair) {
    return pair.values != null && pair.values.numbers() && pair.values.highest() > 0;
  }
}
