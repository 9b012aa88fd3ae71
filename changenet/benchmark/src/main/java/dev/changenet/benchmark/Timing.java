package dev.changenet.benchmark;

import java.util.Arrays;

/**
 * Times of repeated runs, in seconds.
 *
 * @param median of the rounds
 * @param best of the rounds
 */
record Timing(double median, double best) {
  private static final long ROUND_NANOS = 20_000_000;

  /** Runs {@code c} for {@code warmNanos}, then in rounds of at least some milliseconds each. */
  static Timing of(Case c, int rounds, long warmNanos) {
    long began = System.nanoTime();
    int warm = 0;
    do {
      c.run();
      warm++;
    } while (warm < 3 || System.nanoTime() - began < warmNanos);
    double[] seconds = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      seconds[i] = round(c);
    }
    return of(seconds);
  }

  static Timing of(double[] seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    return new Timing(sorted[sorted.length / 2], sorted[0]);
  }

  /** Seconds per run of one round. */
  static double round(Case c) {
    long began = System.nanoTime();
    int runs = 0;
    long now;
    do {
      c.run();
      runs++;
      now = System.nanoTime();
    } while (now - began < ROUND_NANOS);
    return (now - began) * 1e-9 / runs;
  }
}
