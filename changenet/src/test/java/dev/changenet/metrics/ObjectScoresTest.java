package dev.changenet.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ObjectScoresTest {
  private static final int SIDE = 14;

  @Test
  void agreesWithSetsOfPixels() {
    Random random = new Random(3);
    int seen = 0;
    for (int round = 0; round < 60; round++) {
      int[] labels = blobs(random);
      int[] predictions = labels.clone();
      for (int i = 0; i < labels.length; i++) {
        predictions[i] = random.nextInt(5) == 0 ? random.nextInt(3) : labels[i];
        labels[i] = random.nextInt(12) == 0 ? 255 : labels[i];
        predictions[i] = predictions[i] == 255 ? 0 : predictions[i];
      }
      List<Set<Integer>> truths = areas(labels, labels);
      List<Set<Integer>> guesses = areas(predictions, labels);
      ObjectScores scores = new ObjectScores();
      scores.add(labels, predictions, 0, SIDE);
      ObjectScores.Counts all = scores.all();

      assertThat(all.truths()).isEqualTo(truths.size());
      assertThat(all.predictions()).isEqualTo(guesses.size());
      assertThat(all.found(false)).isEqualTo(halfCovered(truths, guesses));
      assertThat(all.right(false)).isEqualTo(halfCovered(guesses, truths));
      assertThat(all.found(true)).isEqualTo(matched(truths, guesses));
      assertThat(all.right(true)).isEqualTo(matched(guesses, truths));
      seen += truths.size();
    }
    assertThat(seen).isGreaterThan(100);
  }

  private static int[] blobs(Random random) {
    int[] map = new int[SIDE * SIDE];
    for (int b = 0; b < 4; b++) {
      int x = random.nextInt(SIDE - 3);
      int y = random.nextInt(SIDE - 3);
      for (int i = 0; i < 9; i++) {
        map[(y + i / 3) * SIDE + x + i % 3] = 1 + b % 2;
      }
    }
    return map;
  }

  /** Areas of change: neighbouring pixels are joined until nothing changes. */
  private static List<Set<Integer>> areas(int[] ids, int[] labels) {
    int[] leader = new int[ids.length];
    Arrays.setAll(leader, i -> ids[i] != 0 && ids[i] != 255 && labels[i] != 255 ? i : -1);
    boolean moved = true;
    while (moved) {
      moved = false;
      for (int i = 0; i < ids.length; i++) {
        for (int k = 0; k < ids.length; k++) {
          boolean near = Math.abs(i % SIDE - k % SIDE) <= 1 && Math.abs(i / SIDE - k / SIDE) <= 1;
          if (near && leader[i] >= 0 && leader[k] >= 0 && leader[k] < leader[i]) {
            leader[i] = leader[k];
            moved = true;
          }
        }
      }
    }
    List<Set<Integer>> areas = new ArrayList<>();
    for (int first = 0; first < ids.length; first++) {
      Set<Integer> area = new HashSet<>();
      for (int i = 0; i < ids.length; i++) {
        if (leader[i] == first) {
          area.add(i);
        }
      }
      if (!area.isEmpty()) {
        areas.add(area);
      }
    }
    return areas;
  }

  private static long halfCovered(List<Set<Integer>> objects, List<Set<Integer>> others) {
    Set<Integer> cover = new HashSet<>();
    others.forEach(cover::addAll);
    return objects.stream()
        .filter(o -> 2 * o.stream().filter(cover::contains).count() >= o.size())
        .count();
  }

  private static long matched(List<Set<Integer>> objects, List<Set<Integer>> others) {
    return objects.stream()
        .filter(
            o ->
                others.stream()
                    .anyMatch(
                        q -> {
                          Set<Integer> union = new HashSet<>(o);
                          union.addAll(q);
                          long both = o.stream().filter(q::contains).count();
                          return 2 * both >= union.size();
                        }))
        .count();
  }

  @Test
  void sortsByTheAreaOfTheObjectItself() {
    int side = 128;
    int[] truth = new int[side * side];
    int[] predicted = new int[side * side];
    // One of 100 × 100, of which a strip of 100 × 40 is predicted; a lone false alarm of 2 × 2.
    for (int y = 0; y < 100; y++) {
      Arrays.fill(truth, y * side, y * side + 100, 1);
      Arrays.fill(predicted, y * side, y * side + 40, 1);
    }
    for (int y = 120; y < 122; y++) {
      Arrays.fill(predicted, y * side + 120, y * side + 122, 1);
    }
    ObjectScores scores = new ObjectScores();
    scores.add(truth, predicted, 0, side);

    assertThat(scores.of(ObjectScores.Size.LARGE).truths()).isEqualTo(1);
    assertThat(scores.of(ObjectScores.Size.LARGE).recall(false)).isZero();
    assertThat(scores.of(ObjectScores.Size.LARGE).precision(false)).isNaN();
    assertThat(scores.of(ObjectScores.Size.MEDIUM).precision(false)).isEqualTo(1);
    assertThat(scores.of(ObjectScores.Size.MEDIUM).precision(true)).isZero();
    assertThat(scores.of(ObjectScores.Size.SMALL).precision(false)).isZero();
    assertThat(scores.all().predictions()).isEqualTo(2);
    assertThat(ObjectScores.Size.of(1023)).isEqualTo(ObjectScores.Size.SMALL);
    assertThat(ObjectScores.Size.of(1024)).isEqualTo(ObjectScores.Size.MEDIUM);
    assertThat(ObjectScores.Size.of(9216)).isEqualTo(ObjectScores.Size.LARGE);
  }

  @Test
  void tellsARingFromWhatItEncloses() {
    boolean[] mask = new boolean[25];
    // A ring around a lone pixel.
    for (int i = 0; i < 25; i++) {
      int x = i % 5;
      int y = i / 5;
      mask[i] = x == 0 || y == 0 || x == 4 || y == 4 || i == 12;
    }
    Components found = Components.of(mask, 5, 5);
    assertThat(found.count()).isEqualTo(2);
    assertThat(found.areas()).containsExactly(0, 16, 1);
    assertThat(found.ids()[12]).isEqualTo(2);
    assertThat(Components.of(new boolean[6], 3, 2).count()).isZero();
  }
}
