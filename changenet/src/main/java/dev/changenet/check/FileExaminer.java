package dev.changenet.check;

import dev.changenet.check.FileFacts.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Consumer;

/** Files that are missing, unreadable, or with the suffix of another format. */
final class FileExaminer implements Examiner {
  private static final Map<String, String> FORMATS =
      Map.of(
          "png", "PNG", "jpg", "JPEG", "jpeg", "JPEG", "bmp", "BMP", "tif", "TIFF", "tiff", "TIFF",
          "gif", "GIF");

  /** Files with the same fault. */
  private static final class Group {
    final List<PairFacts> pairs = new ArrayList<>();
    final List<FileFacts> files = new ArrayList<>();

    static Group of(DataSet data, BiPredicate<PairFacts, FileFacts> chosen) {
      Group group = new Group();
      for (PairFacts pair : data.pairs()) {
        for (FileFacts file : List.of(pair.a, pair.b, pair.mask)) {
          if (chosen.test(pair, file)) {
            group.pairs.add(pair);
            group.files.add(file);
          }
        }
      }
      return group;
    }

    /** Splits that read one of the files. */
    String splits(DataSet data) {
      List<PairFacts> pictures = new ArrayList<>();
      List<PairFacts> masks = new ArrayList<>();
      for (int i = 0; i < files.size(); i++) {
        (files.get(i) == pairs.get(i).mask ? masks : pictures).add(pairs.get(i));
      }
      return pictures.isEmpty() ? data.maskSplitsOf(masks) : data.splitsOf(pairs);
    }

    List<String> names() {
      return files.stream().map(f -> f.shown).toList();
    }
  }

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    state(
        data,
        found,
        Code.FILE_MISSING,
        (p, f) -> f.state == State.MISSING && f.elsewhere == null,
        (n, _) -> n == 1 ? "does not exist" : "do not exist",
        "add them or remove the entries");
    otherNames(data, found);
    state(
        data,
        found,
        Code.FILE_EMPTY,
        (p, f) -> f.state == State.EMPTY,
        (n, _) -> (n == 1 ? "is" : "are") + " empty (0 bytes)",
        "copy them again, or remove the entries");
    state(
        data,
        found,
        Code.FILE_UNREADABLE,
        (p, f) -> f.state == State.UNREADABLE,
        (_, f) -> "cannot be read: " + firstPart(f.cause()),
        "convert or replace them, or remove the entries");
    state(
        data,
        found,
        Code.FILE_DAMAGED,
        (p, f) -> f.state == State.DAMAGED,
        (n, f) -> (n == 1 ? "is" : "are") + " damaged or cut short: " + firstPart(f.cause()),
        "copy them again, or remove the entries");
    suffixes(data, found);
  }

  private interface Sentence {
    String of(int files, FileFacts first);
  }

  private static void state(
      DataSet data,
      Consumer<Finding> found,
      Code code,
      BiPredicate<PairFacts, FileFacts> chosen,
      Sentence what,
      String remedy) {
    Group group = Group.of(data, chosen);
    int n = group.files.size();
    if (n > 0) {
      found.accept(
          new Finding(
              code,
              Severity.ERROR,
              group.splits(data),
              group.names(),
              Words.count(n, "file") + " of the samples " + what.of(n, group.files.getFirst()),
              remedy));
    }
  }

  private static String firstPart(String message) {
    int end = message.indexOf(';');
    return end < 0 ? message : message.substring(0, end);
  }

  private static void otherNames(DataSet data, Consumer<Finding> found) {
    Group group = Group.of(data, (p, f) -> f.state == State.MISSING && f.elsewhere != null);
    if (group.files.isEmpty()) {
      return;
    }
    FileFacts first = group.files.getFirst();
    boolean masksOnly = true;
    for (int i = 0; i < group.files.size(); i++) {
      PairFacts pair = group.pairs.get(i);
      masksOnly &= group.files.get(i) == pair.mask && pair.name.contains(".jpg");
    }
    String suffix = first.elsewhere.substring(Math.max(0, first.elsewhere.lastIndexOf('.')));
    found.accept(
        new Finding(
            Code.FILE_NAME_DIFFERS,
            Severity.ERROR,
            group.splits(data),
            group.names(),
            Words.count(group.files.size(), "file")
                + " of the samples "
                + (group.files.size() == 1
                    ? "does not exist under the name expected; "
                    : "do not exist under the names expected; ")
                + first.shown
                + " is there as "
                + first.elsewhere,
            masksOnly
                ? "set dataset.segment.label_suffix=" + suffix
                : "rename the files (A, B and mask have the name in the list; only .jpg becomes"
                    + " label_suffix in the mask's name)"));
  }

  private static void suffixes(DataSet data, Consumer<Finding> found) {
    Group group =
        Group.of(
            data,
            (p, f) -> {
              String suffix = f.shown.substring(f.shown.lastIndexOf('.') + 1);
              String format = FORMATS.get(suffix.toLowerCase(Locale.ROOT));
              // A mask that is a JPEG file has a finding of its own.
              boolean lossy = f == p.mask && f.readable() && f.info.format().equals("JPEG");
              return f.readable() && format != null && !lossy && !format.equals(f.info.format());
            });
    if (!group.files.isEmpty()) {
      FileFacts first = group.files.getFirst();
      found.accept(
          new Finding(
              Code.FORMAT_SUFFIX,
              Severity.NOTE,
              group.splits(data),
              group.names(),
              Words.count(group.files.size(), "file")
                  + " with the suffix of another format ("
                  + first.shown
                  + " is a "
                  + first.info.format()
                  + " file); they are read by their content",
              "nothing needs doing here; other programs may stumble"));
    }
  }
}
