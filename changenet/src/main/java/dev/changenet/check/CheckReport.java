package dev.changenet.check;

import dev.changenet.check.ClassExaminer.ClassShares;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What an examination found.
 *
 * @param settings what was examined
 * @param findings the worst first
 * @param splits the splits whose lists could be read
 * @param masks values of the masks that were read, and what they become
 */
public record CheckReport(
    CheckSettings settings,
    List<Finding> findings,
    List<Summary> splits,
    Optional<MaskEncoding> masks) {

  public CheckReport {
    findings = List.copyOf(findings);
    splits = List.copyOf(splits);
  }

  /** Number of findings of a severity. */
  public long count(Severity severity) {
    return findings.stream().filter(f -> f.severity() == severity).count();
  }

  /**
   * A split in numbers.
   *
   * @param name name of its list
   * @param pairs lines of the list
   * @param sizes width x height of the first pictures, and how many have it
   * @param masks masks that were decoded
   * @param shares share of each class among the pixels that are not ignored; empty unless all masks
   *     were to be read
   * @param ignored share of ignored pixels among all
   */
  public record Summary(
      String name,
      int pairs,
      Map<String, Integer> sizes,
      int masks,
      List<Double> shares,
      double ignored) {

    static Summary of(CheckSettings settings, Split split) {
      Map<String, Integer> sizes = new TreeMap<>();
      for (PairFacts pair : split.pairs()) {
        if (pair.a.readable()) {
          sizes.merge(pair.a.info.width() + "x" + pair.a.info.height(), 1, Integer::sum);
        }
      }
      ClassShares shares = ClassShares.of(settings, split);
      boolean full = settings.depth() == CheckSettings.Depth.FULL && split.role().masks();
      List<Double> list = new ArrayList<>();
      for (int c = 0; full && shares.total() > 0 && c < settings.data().numClasses(); c++) {
        list.add(shares.share(c));
      }
      double all = shares.total() + shares.ignored();
      return new Summary(
          split.name(),
          split.pairs().size(),
          sizes,
          split.role().masks()
              ? (int) split.pairs().stream().filter(p -> p.values != null).count()
              : 0,
          list,
          full && all > 0 ? shares.ignored() / all : 0);
    }
  }
}
