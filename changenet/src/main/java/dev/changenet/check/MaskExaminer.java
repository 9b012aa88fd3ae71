package dev.changenet.check;

import dev.changenet.check.FileFacts.State;
import dev.changenet.check.MaskFacts.Content;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** How masks are stored: channels, depth, compression, palettes. Values are another's business. */
final class MaskExaminer implements Examiner {
  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    List<PairFacts> channels =
        data.withValues().stream().filter(p -> p.values.content() != Content.NUMBERS).toList();
    if (!channels.isEmpty()) {
      found.accept(channels(data, channels));
    }
    List<PairFacts> deep =
        data.pairs().stream().filter(p -> p.mask.state == State.TOO_DEEP).toList();
    if (!deep.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.MASK_DEPTH,
              Severity.ERROR,
              deep,
              "deeper than 8 bits (" + first(deep.getFirst().mask.cause()) + "); runs stop at it",
              "store masks as 8-bit grey PNG files with class numbers, or 0 and 255"));
    }
    palettes(data, found);
  }

  private static String first(String cause) {
    return cause.replaceFirst(";.*", "");
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
        Words.count(pairs.size(), "mask") + " " + text,
        remedy);
  }

  private static Finding channels(DataSet data, List<PairFacts> pairs) {
    Predicate<Content> all = content -> pairs.stream().allMatch(p -> p.values.content() == content);
    int channels = pairs.getFirst().mask.info.channels();
    String what = "with " + channels + " channels where one is expected; runs stop at it. ";
    String convert =
        "changenet check -e SPEC --convert-masks DIR, then use its"
            + " dataset.segment.annotation_folder_name";
    if (all.test(Content.GREY)) {
      TreeSet<Integer> values = new TreeSet<>();
      pairs.forEach(p -> java.util.Arrays.stream(p.values.values()).forEach(values::add));
      return finding(
          data,
          Code.MASK_CHANNELS,
          Severity.ERROR,
          pairs,
          what
              + "The channels are equal ("
              + Words.values(values)
              + "), so nothing is lost by"
              + " keeping one",
          convert);
    }
    if (all.test(Content.MAPPED_COLORS)) {
      return finding(
          data,
          Code.MASK_CHANNELS,
          Severity.ERROR,
          pairs,
          what + "Every colour is one of color_map",
          convert + " and label_transform=None");
    }
    boolean map = !data.settings().colors().isEmpty();
    return finding(
        data,
        Code.MASK_CHANNELS,
        Severity.ERROR,
        pairs,
        what
            + (map
                ? "Not all of their colours are in color_map"
                : "They hold colours, and the spec has no color_map to tell their classes"),
        (map ? "complete" : "set")
            + " dataset.segment.color_map (a colour for each class), then "
            + convert
            + " and label_transform=None");
  }

  private static void palettes(DataSet data, Consumer<Finding> found) {
    List<PairFacts> palettes =
        data.withValues().stream()
            .filter(p -> p.values.numbers() && p.mask.info.palette() && p.mask.info.bits() > 1)
            .toList();
    List<PairFacts> contradicting = palettes.stream().filter(p -> p.paletteContradicts).toList();
    if (!contradicting.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.MASK_PALETTE,
              Severity.WARNING,
              contradicting,
              "with a palette whose colours are other classes in color_map than their index; the"
                  + " index counts, not the colour",
              "reorder color_map or the palette"));
    } else if (!palettes.isEmpty()) {
      found.accept(
          finding(
              data,
              Code.MASK_PALETTE,
              Severity.NOTE,
              palettes,
              "with a palette: the index of a colour is the value, the colour itself doesn't matter",
              "nothing, if the indices are the classes"));
    }
  }
}
