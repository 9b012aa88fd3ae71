package dev.changenet.check;

import dev.changenet.image.PictureInfo;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Sizes and depths of pictures and masks. */
final class SizeExaminer implements Examiner {
  private static final double SAME_ASPECT = 0.01;
  private static final double SQUARE = 0.05;

  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    List<PairFacts> read =
        data.pairs().stream().filter(p -> p.a.readable() && p.b.readable()).toList();
    compare(
        data,
        found,
        Code.PAIR_SIZE,
        read.stream().filter(p -> differ(p.a, p.b)).toList(),
        p -> p.a,
        p -> p.b);
    compare(
        data,
        found,
        Code.MASK_SIZE,
        read.stream()
            .filter(p -> !differ(p.a, p.b) && p.mask.readable() && differ(p.a, p.mask))
            .toList(),
        p -> p.a,
        p -> p.mask);
    squares(data, found, read);
    depths(data, found, read);
  }

  private static boolean differ(FileFacts a, FileFacts b) {
    return a.info.width() != b.info.width() || a.info.height() != b.info.height();
  }

  private static String size(FileFacts file) {
    return file.info.width() + "x" + file.info.height();
  }

  private static double aspect(FileFacts file) {
    return (double) file.info.width() / file.info.height();
  }

  private interface File {
    FileFacts of(PairFacts pair);
  }

  private static void compare(
      DataSet data,
      Consumer<Finding> found,
      Code code,
      List<PairFacts> bad,
      File left,
      File right) {
    if (bad.isEmpty()) {
      return;
    }
    boolean sameShape =
        bad.stream()
            .allMatch(p -> Math.abs(aspect(left.of(p)) / aspect(right.of(p)) - 1) <= SAME_ASPECT);
    PairFacts first = bad.getFirst();
    boolean mask = code == Code.MASK_SIZE;
    found.accept(
        new Finding(
            code,
            sameShape ? Severity.WARNING : Severity.ERROR,
            mask ? data.maskSplitsOf(bad) : data.splitsOf(bad),
            bad.stream().map(p -> right.of(p).shown).toList(),
            Words.count(bad.size(), mask ? "mask" : "pair")
                + (mask ? " not of the size of its pictures" : " with pictures of different size")
                + " ("
                + left.of(first).shown
                + " is "
                + size(left.of(first))
                + ", "
                + right.of(first).shown
                + " is "
                + size(right.of(first))
                + "); each is resized by itself, so pixels "
                + (sameShape ? "match only roughly" : "no longer show the same place"),
            sameShape
                ? "bring them to one size, unless they cover exactly the same ground"
                : "cut them to the same area and size, or remove the entries"));
  }

  private static void squares(DataSet data, Consumer<Finding> found, List<PairFacts> read) {
    List<PairFacts> odd =
        read.stream().filter(p -> Math.abs(Math.log(aspect(p.a))) > SQUARE).toList();
    if (odd.isEmpty()) {
      return;
    }
    Set<String> sizes = new TreeSet<>();
    odd.forEach(p -> sizes.add(size(p.a)));
    int side = data.settings().data().imgSize();
    found.accept(
        new Finding(
            Code.NOT_SQUARE,
            Severity.NOTE,
            data.splitsOf(odd),
            odd.stream().map(p -> p.a.shown).toList(),
            Words.count(odd.size(), "pair")
                + " not square ("
                + String.join(", ", sizes.stream().limit(3).toList())
                + (sizes.size() > 3 ? ", …" : "")
                + "); resizing to "
                + side
                + "x"
                + side
                + " changes their shapes",
            "cut them into square tiles if shapes matter"));
  }

  private static void depths(DataSet data, Consumer<Finding> found, List<PairFacts> read) {
    Predicate<PictureInfo> deep = info -> info.bits() > 8;
    List<PairFacts> bad =
        read.stream().filter(p -> deep.test(p.a.info) || deep.test(p.b.info)).toList();
    if (bad.isEmpty()) {
      return;
    }
    boolean mixed = bad.stream().anyMatch(p -> p.a.info.bits() != p.b.info.bits());
    int brightest = 0;
    for (PairFacts p : bad) {
      if (p.pictureA != null && deep.test(p.a.info)) {
        brightest = Math.max(brightest, p.pictureA.brightest());
      }
      if (p.pictureB != null && deep.test(p.b.info)) {
        brightest = Math.max(brightest, p.pictureB.brightest());
      }
    }
    boolean dark = brightest > 0 && brightest < 64;
    found.accept(
        new Finding(
            Code.PICTURE_DEPTH,
            Severity.WARNING,
            data.splitsOf(bad),
            bad.stream().map(p -> (deep.test(p.a.info) ? p.a : p.b).shown).toList(),
            Words.count(bad.size(), "pair")
                + " with 16-bit pictures: only the high byte is used"
                + (dark ? ", which reaches " + brightest + " of 255: they are almost black" : "")
                + (mixed ? "; A and B differ in depth" : ""),
            "scale them to 8 bits yourself, A and B alike"));
  }
}
