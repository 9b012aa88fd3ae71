package dev.changenet.picture;

import dev.changenet.data.PairFinder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Names results after the pairs: the entry without the picture's suffix. Where two entries of a run
 * would then share a name, all entries of the run keep their suffix.
 */
public final class OutputNames {
  private final boolean keepSuffix;
  private final String example;

  private OutputNames(String example) {
    this.keepSuffix = example != null;
    this.example = example;
  }

  /** Chooses the names for the entries of a run. */
  public static OutputNames of(List<String> entries) {
    Map<String, String> first = new HashMap<>();
    for (String entry : entries) {
      String normal = normal(entry);
      String other = first.putIfAbsent(stem(normal), normal);
      if (other != null && !other.equals(normal)) {
        return new OutputNames(other + " and " + normal);
      }
    }
    return new OutputNames(null);
  }

  /** Returns true if entries keep their suffix. */
  public boolean keepSuffix() {
    return keepSuffix;
  }

  /** Returns two entries that differ in their suffix alone, or null. */
  public String example() {
    return example;
  }

  /** Returns the name of the results of {@code entry}, with its folders, without a suffix. */
  public String of(String entry) {
    return keepSuffix ? normal(entry) : stem(normal(entry));
  }

  /** Returns an entry without detours such as {@code sub/../}. */
  static String normal(String entry) {
    return Path.of(entry).normalize().toString();
  }

  private static String stem(String name) {
    return PairFinder.hasPictureSuffix(name) ? name.substring(0, name.lastIndexOf('.')) : name;
  }
}
