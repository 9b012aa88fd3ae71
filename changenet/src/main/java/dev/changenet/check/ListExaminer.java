package dev.changenet.check;

import dev.changenet.data.DataMessages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Names that stand twice, in one list or in two that must not share any; short lists. */
final class ListExaminer implements Examiner {
  @Override
  public void examine(DataSet data, Consumer<Finding> found) {
    for (Split split : data.splits()) {
      duplicates(split, found);
      if (split.role() == Role.TRAIN) {
        batch(data, split, found);
      }
    }
    overlaps(data, found);
  }

  private static void duplicates(Split split, Consumer<Finding> found) {
    Set<Path> seen = new LinkedHashSet<>();
    Set<String> twice = new LinkedHashSet<>();
    int more = 0;
    for (PairFacts pair : split.pairs()) {
      if (!seen.add(pair.a.path.normalize())) {
        twice.add(pair.name);
        more++;
      }
    }
    if (!twice.isEmpty()) {
      found.accept(
          new Finding(
              Code.DUPLICATE_NAME,
              Severity.WARNING,
              split.name(),
              List.copyOf(twice),
              Words.count(twice.size(), "name")
                  + (twice.size() == 1 ? " stands" : " stand")
                  + " more than once in "
                  + split.list().getFileName()
                  + " ("
                  + Words.count(more, "line")
                  + " too many): such pairs count several times",
              "remove the repeated lines, unless the weight is meant"));
    }
  }

  private static void batch(DataSet data, Split split, Consumer<Finding> found) {
    int batch = data.settings().data().batchSize();
    if (split.pairs().size() < batch) {
      String message =
          DataMessages.tooFewSamples(split.list(), split.pairs().size(), "train", batch, 1);
      int end = message.indexOf("; ");
      found.accept(
          new Finding(
              Code.BATCH_TOO_LARGE,
              Severity.ERROR,
              split.name(),
              List.of(),
              message.substring((split.list() + ": ").length(), end),
              message.substring(end + 2)));
    }
  }

  private static void overlaps(DataSet data, Consumer<Finding> found) {
    Map<Role, Split> byRole = new EnumMap<>(Role.class);
    data.splits().forEach(s -> byRole.put(s.role(), s));
    Set<EnumSet<Role>> combinations = new LinkedHashSet<>();
    for (PairFacts pair : data.pairs()) {
      EnumSet<Role> scored = EnumSet.copyOf(pair.roles);
      scored.remove(Role.PREDICT);
      if (scored.size() > 1) {
        combinations.add(scored);
      }
    }
    for (EnumSet<Role> roles : combinations) {
      List<String> names = new ArrayList<>();
      for (PairFacts pair : data.pairs()) {
        EnumSet<Role> own = EnumSet.copyOf(pair.roles);
        own.remove(Role.PREDICT);
        if (own.equals(roles)) {
          names.add(pair.name);
        }
      }
      boolean trained = roles.contains(Role.TRAIN);
      String splits =
          String.join(", ", roles.stream().map(r -> byRole.get(r).name()).distinct().toList());
      found.accept(
          new Finding(
              Code.SPLIT_OVERLAP,
              trained ? Severity.ERROR : Severity.WARNING,
              splits,
              names,
              Words.count(names.size(), "name")
                  + (names.size() == 1 ? " stands" : " stand")
                  + " in the lists of "
                  + splits
                  + (trained
                      ? ": scores of pairs that were trained on are too good"
                      : ": the test scores are no longer independent of the choice of the model"),
              "keep each name in one list"));
    }
  }
}
