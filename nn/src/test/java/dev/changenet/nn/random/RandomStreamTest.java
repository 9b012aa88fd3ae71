package dev.changenet.nn.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomStreamTest {
  @Test
  void equalKeysGiveEqualDrawsAndAnyOtherKeyDoesNot() {
    assertThat(RandomStream.of(1, "shuffle", 2, 3).nextLong())
        .isEqualTo(RandomStream.of(1, "shuffle", 2, 3).nextLong());
    Set<Long> first = new HashSet<>();
    int keys = 0;
    for (long seed : new long[] {0, 1, -1, Long.MAX_VALUE}) {
      for (String purpose : new String[] {"a", "b", "ab", "ba", "shuffle"}) {
        for (long[] indices : new long[][] {{}, {0}, {1}, {0, 0}, {0, 1}, {1, 0}, {-1}}) {
          first.add(RandomStream.of(seed, purpose, indices).nextLong());
          keys++;
        }
      }
    }
    assertThat(first).hasSize(keys);
  }

  @Test
  void uniformNumbersFillTheirRange() {
    RandomStream random = RandomStream.of(3, "uniform");
    double sum = 0;
    int[] bins = new int[10];
    for (int i = 0; i < 100_000; i++) {
      double v = random.uniform(-2, 3);
      assertThat(v).isGreaterThanOrEqualTo(-2).isLessThan(3);
      sum += v;
      bins[(int) ((v + 2) * 2)]++;
    }
    assertThat(sum / 100_000).isCloseTo(0.5, within(0.02));
    for (int count : bins) {
      assertThat(count).isBetween(9_600, 10_400);
    }
  }

  @Test
  void normalNumbersHaveMeanZeroAndDeviationOne() {
    RandomStream random = RandomStream.of(4, "normal");
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < 100_000; i++) {
      double v = random.nextGaussian();
      sum += v;
      squares += v * v;
    }
    assertThat(sum / 100_000).isCloseTo(0, within(0.015));
    assertThat(squares / 100_000).isCloseTo(1, within(0.02));
  }

  @Test
  void numbersCanBeLeftOut() {
    RandomStream all = RandomStream.of(6, "all");
    all.nextLong();
    RandomStream some = RandomStream.of(6, "all");
    RandomStream ahead = some.ahead(3);
    some.skip(1);
    for (int i = 1; i < 10; i++) {
      long expected = all.nextLong();
      assertThat(some.nextLong()).isEqualTo(expected);
      if (i >= 3) {
        assertThat(ahead.nextLong()).isEqualTo(expected);
      }
    }
  }

  @Test
  void permutationsHoldEachNumberOnceAndVary() {
    int[] positions = new int[5];
    for (int i = 0; i < 5_000; i++) {
      int[] p = RandomStream.of(i, "shuffle").permutation(5);
      assertThat(p).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
      positions[p[0]]++;
    }
    for (int count : positions) {
      assertThat(count).isBetween(850, 1_150);
    }
    assertThat(RandomStream.of(1, "shuffle").permutation(0)).isEmpty();
  }

  @Test
  void wholeNumbersStayBelowTheirBound() {
    RandomStream random = RandomStream.of(5, "int");
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      seen.add(random.nextInt(3));
    }
    assertThat(seen).containsExactlyInAnyOrder(0, 1, 2);
    assertThatThrownBy(() -> random.nextInt(0)).hasMessageContaining("must be positive, got 0");
  }
}
