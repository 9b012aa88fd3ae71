package dev.changenet.check;

import dev.changenet.data.DataMessages;
import dev.changenet.data.DataSettings;
import dev.changenet.image.ImageReader;
import dev.changenet.image.Mask;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** What the values of the masks become under {@code label_transform}. */
final class MaskValueExaminer implements Examiner {
  private static final String KEEP = "dataset.segment.label_transform=None";

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    List<PairFacts> all = data.withValues().stream().filter(p -> p.values.numbers()).toList();
    List<PairFacts> lossy = all.stream().filter(p -> p.mask.info.format().equals("JPEG")).toList();
    List<PairFacts> exact = all.stream().filter(p -> !p.mask.info.format().equals("JPEG")).toList();
    boolean norm = data.settings().data().normalizesLabels();
    if (!lossy.isEmpty()) {
      found.accept(lossy(data, lossy, norm));
    }
    if (norm) {
      divided(data, exact, found);
    } else {
      kept(data, exact, found);
    }
  }

  private static List<PairFacts> those(List<PairFacts> pairs, Predicate<MaskFacts> which) {
    return pairs.stream().filter(p -> which.test(p.values)).toList();
  }

  private static TreeSet<Integer> values(Collection<PairFacts> pairs) {
    TreeSet<Integer> values = new TreeSet<>();
    pairs.forEach(p -> Arrays.stream(p.values.values()).forEach(values::add));
    return values;
  }

  private static Finding finding(
      DataSet data,
      Code code,
      Severity severity,
      List<PairFacts> pairs,
      String text,
      String remedy) {
    return new Finding(
        code,
        severity,
        data.maskSplitsOf(pairs),
        pairs.stream().map(p -> p.mask.shown).toList(),
        text,
        remedy);
  }

  private static Finding lossy(DataSet data, List<PairFacts> lossy, boolean norm) {
    int classes = data.settings().data().numClasses();
    TreeSet<Integer> values = values(lossy);
    boolean stops =
        !norm && values.stream().anyMatch(v -> v >= classes && v != DataSettings.IGNORE);
    return finding(
        data,
        Code.MASK_LOSSY,
        stops ? Severity.ERROR : Severity.WARNING,
        lossy,
        Words.count(lossy.size(), "mask")
            + " stored as JPEG, which blurs values ("
            + Words.values(values)
            + "); "
            + (norm
                ? "only pixels of exactly 255 count as changed"
                : stops ? "values that are no class stop a run" : "classes may be wrong at edges"),
        "make the masks anew as PNG files from their source");
  }

  private static void divided(DataSet data, List<PairFacts> masks, Consumer<Finding> found) {
    List<PairFacts> lost = those(masks, m -> m.highest() > 0 && m.highest() < DataSettings.IGNORE);
    List<PairFacts> fine = those(masks, m -> m.highest() == DataSettings.IGNORE);
    if (!lost.isEmpty()) {
      TreeSet<Integer> values = values(lost);
      int highest = values.last();
      int classes = data.settings().data().numClasses();
      if (fine.isEmpty()) {
        found.accept(
            finding(
                data,
                Code.MASKS_LOST,
                Severity.ERROR,
                lost,
                "the masks hold "
                    + Words.values(values)
                    + ": label_transform norm divides by 255, so all of them become class 0 and"
                    + " nothing is changed",
                highest < classes
                    ? KEEP
                    : highest < 32
                        ? KEEP + " dataset.segment.num_classes=" + (highest + 1)
                        : "store changed pixels as 255"));
      } else {
        found.accept(
            finding(
                data,
                Code.MASK_MIXED,
                Severity.ERROR,
                lost,
                Words.count(lost.size(), "mask")
                    + " with "
                    + Words.values(values)
                    + " lose all changes under label_transform norm, while the others hold 255",
                "store changed pixels as 255 in these masks, too"));
      }
    }
    List<PairFacts> between = those(fine, MaskFacts::hasBetween);
    if (!between.isEmpty()) {
      found.accept(between(data, between));
    }
  }

  private static Finding between(DataSet data, List<PairFacts> masks) {
    TreeSet<Integer> values = new TreeSet<>();
    long pixels = 0;
    for (PairFacts pair : masks) {
      MaskFacts m = pair.values;
      for (int i = 0; i < m.values().length; i++) {
        if (m.values()[i] > 0 && m.values()[i] < DataSettings.IGNORE) {
          values.add(m.values()[i]);
          pixels += m.counts()[i];
        }
      }
    }
    return finding(
        data,
        Code.MASK_BETWEEN,
        Severity.WARNING,
        masks,
        Words.count(masks.size(), "mask")
            + " where "
            + Words.count(pixels, "pixel")
            + (pixels == 1 ? " has " : " have ")
            + Words.values(values)
            + " beside 0 and 255; under label_transform norm they count as unchanged",
        "make them 0 or 255 where they should count as one or the other");
  }

  private static void kept(DataSet data, List<PairFacts> masks, Consumer<Finding> found) {
    int classes = data.settings().data().numClasses();
    Predicate<MaskFacts> wrong =
        m -> Arrays.stream(m.values()).anyMatch(v -> v >= classes && v != DataSettings.IGNORE);
    List<PairFacts> outside = those(masks, wrong);
    if (!outside.isEmpty()) {
      found.accept(outside(data, masks, outside, classes));
    }
    List<PairFacts> fine = those(masks, wrong.negate());
    List<PairFacts> allIgnored =
        those(fine, m -> m.values().length == 1 && m.highest() == DataSettings.IGNORE);
    List<PairFacts> only255 = those(fine, m -> m.has(255) && m.has(0) && !m.hasBetween());
    List<PairFacts> changed = those(fine, MaskFacts::hasBetween);
    if (!only255.isEmpty() && changed.isEmpty() && outside.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.MASKS_IGNORED,
              Severity.ERROR,
              only255,
              "the masks hold "
                  + Words.values(values(only255))
                  + ": label_transform "
                  + data.settings().data().labelTransform()
                  + " keeps 255, which means 'ignore', so nothing is changed",
              "dataset.segment.label_transform=norm"));
      return;
    }
    if (!only255.isEmpty() && changed.stream().noneMatch(p -> p.values.has(255))) {
      found.accept(
          finding(
              data,
              Code.MASK_MIXED,
              Severity.ERROR,
              only255,
              Words.count(only255.size(), "mask")
                  + " with values 0, 255, while the others hold class numbers up to "
                  + values(changed.isEmpty() ? outside : changed).last()
                  + "; 255 means 'ignore', so they show no change",
              "store class numbers in these masks, too"));
    }
    if (!allIgnored.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.MASK_ALL_IGNORED,
              Severity.WARNING,
              allIgnored,
              Words.count(allIgnored.size(), "mask")
                  + " of value 255 alone: every pixel is ignored, nothing can be learned or scored",
              "correct them, or remove the entries"));
    }
    if (outside.isEmpty() && !masks.isEmpty() && !values(masks).contains(0) && !changed.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.CLASS_ZERO_EMPTY,
              Severity.ERROR,
              masks,
              "no mask has value 0 (they hold "
                  + Words.values(values(masks))
                  + "); class 0 means unchanged, so the masks seem to count from 1",
              "subtract 1 from the mask values"));
    }
  }

  private static Finding outside(
      DataSet data, List<PairFacts> masks, List<PairFacts> outside, int classes) {
    TreeSet<Integer> values = values(masks);
    values.remove(DataSettings.IGNORE);
    boolean fromOne = !values.contains(0) && values.last() == classes;
    boolean few = values.last() < 32;
    return finding(
        data,
        Code.MASK_VALUES,
        Severity.ERROR,
        outside,
        place(outside.getFirst(), data.settings().data())
            + "; the masks hold "
            + Words.values(values(masks)),
        fromOne
            ? "subtract 1 from the mask values: they count from 1, class 0 means unchanged"
            : few
                ? "dataset.segment.num_classes=" + (values.last() + 1) + ", or correct the masks"
                : "store class numbers, or 0 and 255 with dataset.segment.label_transform=norm");
  }

  /** The sentence with which a run would stop, without its advice. */
  private static String place(PairFacts pair, DataSettings settings) {
    Mask mask = ImageReader.readMask(pair.mask.path);
    for (int i = 0; i < mask.values().length; i++) {
      int value = mask.values()[i] & 0xFF;
      if (value >= settings.numClasses() && value != DataSettings.IGNORE) {
        String message =
            DataMessages.noClass(
                pair.mask.path, value, i % mask.width(), i / mask.width(), settings);
        return message.replaceFirst("; [^;]*$", "");
      }
    }
    throw new IllegalStateException(pair.mask.path + " has changed while it was examined");
  }
}
