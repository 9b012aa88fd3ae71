package dev.changenet.config;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/** Distances between words. */
public final class Spelling {
  private Spelling() {}

  /** Returns the words nearest to a wrong one, if they are at most {@code edits} away from it. */
  public static List<String> nearest(String wrong, Collection<String> words, int edits) {
    int best = words.stream().mapToInt(word -> distance(wrong, word)).min().orElse(edits + 1);
    return best > edits
        ? List.of()
        : words.stream().filter(word -> distance(wrong, word) == best).toList();
  }

  /**
   * Returns the number of insertions, deletions, substitutions and swaps of neighbours between two
   * texts (optimal string alignment).
   */
  static int distance(String a, String b) {
    int[] beforeLast = new int[b.length() + 1];
    int[] last = new int[b.length() + 1];
    Arrays.setAll(last, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(Math.min(row[j - 1], last[j]) + 1, last[j - 1] + cost);
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
        }
      }
      beforeLast = last;
      last = row;
    }
    return last[b.length()];
  }
}
