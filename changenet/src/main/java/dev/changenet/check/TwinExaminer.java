package dev.changenet.check;

import dev.changenet.image.ImageReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Pictures that stand in two of train, val and test under different names, equal to the pixel or
 * nearly so; pairs that stand twice in one split. Needs every picture.
 *
 * <p>Nearly equal pictures are found by a hash of the directions of brightness (after the
 * "difference hash" that is in common use) and confirmed by comparing fine structure, so that
 * neighbouring tiles and flat pictures don't count.
 */
final class TwinExaminer implements Examiner {
  /** Of the 128 bits of the hash. */
  private static final int NEAR = 14;

  /** Pictures with less contrast have hashes of noise. */
  private static final double LEAST_CONTRAST = 4;

  private static final double SAME_DETAILS = 0.6;
  private static final double SAME_PICTURE = 0.9;
  private static final int COMPARED = 128;

  /** Each takes two reads; a set with more has been understood by then. */
  private static final int MOST_COMPARISONS = 2000;

  /** A picture of a pair. */
  private record Picture(PairFacts pair, FileFacts file, PictureFacts facts, boolean second) {}

  /** Two pictures, the first from the earlier split. */
  private record Twins(Picture left, Picture right) {}

  private final Progress progress;
  private DataSet data;

  TwinExaminer(Progress progress) {
    this.progress = progress;
  }

  @Override
  public void examine(DataSet set, Consumer<Finding> found) {
    data = set;
    List<Picture> pictures = new ArrayList<>();
    for (PairFacts pair : set.pairs()) {
      if (scored(pair).isEmpty()) {
        continue;
      }
      if (pair.pictureA != null && !pair.pictureA.blank()) {
        pictures.add(new Picture(pair, pair.a, pair.pictureA, false));
      }
      if (pair.pictureB != null && !pair.pictureB.blank()) {
        pictures.add(new Picture(pair, pair.b, pair.pictureB, true));
      }
    }
    List<Twins> equal = equal(pictures);
    report(equal, Code.LEAK, found);
    Set<PairFacts> known = new LinkedHashSet<>();
    equal.forEach(t -> known.add(t.right().pair()));
    List<Twins> near =
        near(pictures).stream().filter(t -> !known.contains(t.right().pair())).toList();
    report(near, Code.LEAK_NEAR, found);
    duplicates(set, found);
  }

  private static EnumSet<Role> scored(PairFacts pair) {
    EnumSet<Role> roles = EnumSet.copyOf(pair.roles);
    roles.remove(Role.PREDICT);
    return roles;
  }

  /** Whether the pictures belong to pairs of which no split has both. */
  private static boolean apart(Picture a, Picture b) {
    EnumSet<Role> common = scored(a.pair());
    common.retainAll(scored(b.pair()));
    return common.isEmpty() && a.pair() != b.pair();
  }

  private static List<Twins> equal(List<Picture> pictures) {
    Map<PictureFacts.Digest, List<Picture>> groups = new LinkedHashMap<>();
    pictures.forEach(p -> groups.computeIfAbsent(p.facts().exact(), _ -> new ArrayList<>()).add(p));
    List<Twins> twins = new ArrayList<>();
    for (List<Picture> group : groups.values()) {
      if (group.size() > 1 && !template(group)) {
        for (Picture right : group) {
          for (Picture left : group) {
            if (left.pair() != right.pair() && before(left, right) && apart(left, right)) {
              twins.add(new Twins(left, right));
              break;
            }
          }
        }
      }
    }
    return twins;
  }

  private static boolean before(Picture a, Picture b) {
    return a.pair().roles.iterator().next().compareTo(b.pair().roles.iterator().next()) < 0;
  }

  /**
   * The same first picture for several pairs of a split: a pattern that all parts are compared to.
   */
  private static boolean template(List<Picture> group) {
    Map<Role, Integer> uses = new HashMap<>();
    for (Picture p : group) {
      if (p.second()) {
        return false;
      }
      scored(p.pair()).forEach(r -> uses.merge(r, 1, Integer::sum));
    }
    return uses.values().stream().anyMatch(n -> n > 1);
  }

  private List<Twins> near(List<Picture> pictures) {
    List<Picture> distinct =
        pictures.stream().filter(p -> p.facts().contrast() >= LEAST_CONTRAST).toList();
    List<List<Twins>> rows = new ArrayList<>(Collections.nCopies(distinct.size(), null));
    int threads = data.settings().threads();
    Workers.forEach(
        rows.size(), threads, "Comparing", progress, i -> rows.set(i, candidates(distinct, i)));
    List<Twins> candidates = new ArrayList<>();
    rows.forEach(candidates::addAll);
    candidates.sort(
        Comparator.comparingInt((Twins t) -> t.left().facts().distance(t.right().facts())));
    List<Twins> compared = candidates.subList(0, Math.min(candidates.size(), MOST_COMPARISONS));
    boolean[] same = new boolean[compared.size()];
    Workers.forEach(
        same.length, threads, "Confirming", progress, i -> same[i] = confirmed(compared.get(i)));
    List<Twins> twins = new ArrayList<>();
    Set<PairFacts> seen = new LinkedHashSet<>();
    for (int i = 0; i < same.length; i++) {
      if (same[i] && seen.add(compared.get(i).right().pair())) {
        twins.add(compared.get(i));
      }
    }
    twins.sort(Comparator.comparing((Twins t) -> t.right().file().shown));
    return twins;
  }

  private static List<Twins> candidates(List<Picture> pictures, int i) {
    Picture p = pictures.get(i);
    List<Twins> found = new ArrayList<>();
    for (int j = i + 1; j < pictures.size(); j++) {
      Picture q = pictures.get(j);
      if (p.facts().distance(q.facts()) <= NEAR
          && apart(p, q)
          && !p.facts().exact().equals(q.facts().exact())) {
        found.add(before(p, q) ? new Twins(p, q) : new Twins(q, p));
      }
    }
    return found;
  }

  /** Compares the two pictures themselves: as a whole, and what is finer than five pixels. */
  private static boolean confirmed(Twins twins) {
    long bytes =
        Math.max(
            DecodingMemory.bytes(twins.left().file().info),
            DecodingMemory.bytes(twins.right().file().info));
    return DecodingMemory.with(bytes, () -> equal(twins));
  }

  private static boolean equal(Twins twins) {
    GreyImage a = GreyImage.of(ImageReader.readRgb(twins.left().file().path));
    GreyImage b = GreyImage.of(ImageReader.readRgb(twins.right().file().path));
    int w = Math.min(COMPARED, Math.min(a.width(), b.width()));
    int h = Math.min(COMPARED, Math.min(a.height(), b.height()));
    GreyImage left = a.resized(w, h);
    GreyImage right = b.resized(w, h);
    return left.correlation(right) >= SAME_PICTURE
        && left.details().correlation(right.details()) >= SAME_DETAILS;
  }

  private void report(List<Twins> twins, Code code, Consumer<Finding> found) {
    if (twins.isEmpty()) {
      return;
    }
    Set<PairFacts> pairs = new LinkedHashSet<>();
    List<PairFacts> concerned = new ArrayList<>();
    List<String> shown = new ArrayList<>();
    boolean trained = false;
    for (Twins t : twins) {
      concerned.add(t.left().pair());
      concerned.add(t.right().pair());
      pairs.add(t.right().pair());
      shown.add(t.right().file().shown + " = " + t.left().file().shown);
      trained |= t.left().pair().roles.contains(Role.TRAIN);
    }
    boolean exact = code == Code.LEAK;
    String splits = data.splitsOf(concerned.stream().toList());
    found.accept(
        new Finding(
            code,
            exact && trained ? Severity.ERROR : Severity.WARNING,
            splits,
            shown,
            Words.count(pairs.size(), "pair")
                + (exact ? " with a picture that equals " : " with a picture that nearly equals ")
                + "one of another split under another name: scores will be too good",
            exact
                ? "keep each place in one split"
                : "look at them; if they show the same place, keep it in one split"));
  }

  private static void duplicates(DataSet data, Consumer<Finding> found) {
    /* Both pictures of a pair, in one split. */
    record Key(Role role, PictureFacts.Digest a, PictureFacts.Digest b) {}
    Map<Key, PairFacts> seen = new HashMap<>();
    Set<PairFacts> twice = new LinkedHashSet<>();
    List<String> shown = new ArrayList<>();
    for (PairFacts pair : data.pairs()) {
      if (pair.pictureA == null
          || pair.pictureB == null
          || pair.pictureA.blank() && pair.pictureB.blank()) {
        continue;
      }
      for (Role role : scored(pair)) {
        PairFacts other =
            seen.putIfAbsent(new Key(role, pair.pictureA.exact(), pair.pictureB.exact()), pair);
        if (other != null && twice.add(pair)) {
          shown.add(pair.a.shown + " = " + other.a.shown);
        }
      }
    }
    if (!twice.isEmpty()) {
      found.accept(
          new Finding(
              Code.DUPLICATE_PAIR,
              Severity.WARNING,
              data.splitsOf(List.copyOf(twice)),
              shown,
              Words.count(twice.size(), "pair")
                  + " equal to another pair of the same split under another name: they count twice",
              "remove the entries"));
    }
  }
}
