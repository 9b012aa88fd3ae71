package dev.changenet.check;

import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Sums of correlation surfaces. What all pairs have in common adds up, what each has for itself
 * doesn't. The sums are whole numbers, so the order of the pairs doesn't matter.
 */
final class ShiftEvidence {
  private static final double UNIT = 1L << 40;

  /** More pairs make the result no surer. */
  private static final int MOST_PAIRS = 1000;

  /** Surfaces that can be added: of one split and size; odd and even pairs apart. */
  private record Key(Role role, int side, int step, boolean odd) {}

  private static final class Sum {
    final long[] values;
    int pairs;

    Sum(int side) {
      values = new long[side * side];
    }
  }

  private final Map<Key, Sum> sums = new HashMap<>();
  private final int stride;

  /**
   * @param pairs number of pairs in all
   */
  ShiftEvidence(int pairs) {
    stride = Math.max(1, Math.ceilDiv(pairs, MOST_PAIRS));
  }

  /** Whether the pair at {@code index} is one of those that are looked at. */
  boolean wants(int index) {
    return index % stride == 0;
  }

  /** Adds the surface of a pair; null counts for nothing. */
  void add(PairFacts pair, int index, PhaseCorrelation.Surface surface) {
    if (surface == null) {
      return;
    }
    Key key =
        new Key(
            pair.roles.iterator().next(), surface.side(), surface.step(), index / stride % 2 == 1);
    Sum sum;
    synchronized (sums) {
      sum = sums.computeIfAbsent(key, k -> new Sum(k.side()));
    }
    synchronized (sum) {
      for (int i = 0; i < sum.values.length; i++) {
        sum.values[i] += Math.round(surface.values()[i] * UNIT);
      }
      sum.pairs++;
    }
  }

  /**
   * The shift that fits the pairs best.
   *
   * @param pairs number of pairs
   * @param x pixels to the right
   * @param y pixels down
   * @param step pixels per unit of the comparison
   * @param certainty height of the peak in standard deviations of the surface
   * @param agreed whether each half of the pairs says the same
   */
  record Shift(int pairs, double x, double y, int step, double certainty, boolean agreed) {}

  /** Returns the shift of the pairs of {@code roles}, of the size that most of them have. */
  Shift shift(Set<Role> roles) {
    record Size(int side, int step) {}
    Map<Size, Integer> sizes = new HashMap<>();
    sums.forEach(
        (k, s) -> {
          if (roles.contains(k.role())) {
            sizes.merge(new Size(k.side(), k.step()), s.pairs, Integer::sum);
          }
        });
    Size most =
        sizes.entrySet().stream()
            .max(
                Map.Entry.<Size, Integer>comparingByValue()
                    .thenComparing(Map.Entry.comparingByKey(Comparator.comparingInt(Size::side)))
                    .thenComparing(e -> e.getKey().step()))
            .map(Map.Entry::getKey)
            .orElse(null);
    if (most == null) {
      return null;
    }
    int n = most.side();
    long[] all = new long[n * n];
    int[] peaks = new int[2];
    int pairs = 0;
    for (int half = 0; half < 2; half++) {
      boolean odd = half == 1;
      List<Sum> members =
          roles.stream()
              .map(r -> sums.get(new Key(r, n, most.step(), odd)))
              .filter(Objects::nonNull)
              .toList();
      long[] own = new long[n * n];
      for (Sum sum : members) {
        pairs += sum.pairs;
        for (int i = 0; i < own.length; i++) {
          own[i] += sum.values[i];
          all[i] += sum.values[i];
        }
      }
      peaks[half] = highest(smooth(own, n));
    }
    all = smooth(all, n);
    int peak = highest(all);
    boolean agreed = near(peaks[0], peak, n) && near(peaks[1], peak, n);
    return new Shift(
        pairs,
        signed(peak % n, n) * most.step(),
        signed(peak / n, n) * most.step(),
        most.step(),
        certainty(all, peak),
        agreed);
  }

  /** Returns the roles with surfaces. */
  Set<Role> roles() {
    EnumSet<Role> roles = EnumSet.noneOf(Role.class);
    sums.keySet().forEach(k -> roles.add(k.role()));
    return roles;
  }

  /** Sums over 3×3 places: single pairs lie a little beside the common shift. */
  private static long[] smooth(long[] values, int n) {
    long[] out = new long[n * n];
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        for (int dy = n - 1; dy <= n + 1; dy++) {
          for (int dx = n - 1; dx <= n + 1; dx++) {
            out[y * n + x] += values[(y + dy) % n * n + (x + dx) % n];
          }
        }
      }
    }
    return out;
  }

  private static int highest(long[] values) {
    int best = 0;
    for (int i = 0; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private static double certainty(long[] values, int peak) {
    double sum = 0;
    double squares = 0;
    for (long v : values) {
      double value = v / UNIT;
      sum += value;
      squares += value * value;
    }
    double mean = sum / values.length;
    double deviation = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
    return deviation == 0 ? 0 : (values[peak] / UNIT - mean) / deviation;
  }

  private static boolean near(int a, int b, int n) {
    return Math.abs(signed(Math.floorMod(a % n - b % n, n), n)) <= 1
        && Math.abs(signed(Math.floorMod(a / n - b / n, n), n)) <= 1;
  }

  private static int signed(int i, int n) {
    return i > n / 2 ? i - n : i;
  }
}
