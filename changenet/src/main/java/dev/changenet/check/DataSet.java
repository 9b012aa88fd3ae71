package dev.changenet.check;

import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What the examiners look at.
 *
 * @param settings what to examine
 * @param splits the splits whose lists can be read
 * @param pairs the pairs of all splits, each once, in the order of the lists
 * @param listed every name in any list of the list folder, also those of other splits
 */
record DataSet(
    CheckSettings settings, List<Split> splits, List<PairFacts> pairs, Set<String> listed) {

  /** Returns the pairs of the splits with masks whose mask was decoded. */
  List<PairFacts> withValues() {
    return pairs.stream().filter(p -> p.values != null).toList();
  }

  /** Returns the names of the splits that have at least one of {@code concerned}. */
  String splitsOf(List<PairFacts> concerned) {
    return names(concerned, role -> true);
  }

  /** Returns the names of the splits that read the mask of at least one of {@code concerned}. */
  String maskSplitsOf(List<PairFacts> concerned) {
    return names(concerned, Role::masks);
  }

  private String names(List<PairFacts> concerned, Predicate<Role> which) {
    return String.join(
        ", ",
        splits.stream()
            .filter(s -> which.test(s.role()))
            .filter(s -> concerned.stream().anyMatch(p -> p.roles.contains(s.role())))
            .map(Split::name)
            .distinct()
            .toList());
  }

  boolean full() {
    return settings.depth() == CheckSettings.Depth.FULL;
  }
}
