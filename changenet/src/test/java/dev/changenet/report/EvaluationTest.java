package dev.changenet.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.data.Batch;
import dev.changenet.metrics.PairScore;
import dev.changenet.picture.ColorTable;
import dev.changenet.picture.PairPictures;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EvaluationTest {
  private static final int SIDE = 8;
  private static final int PIXELS = SIDE * SIDE;

  private final Evaluation found =
      new Evaluation(
          List.of("unchanged", "built", "gone"),
          new PairPictures(
              3,
              ColorTable.of(null, "custom", 3, 1),
              List.of(0.5, 0.5, 0.5),
              List.of(0.5, 0.5, 0.5)));

  private void add(int batch, int pairs, Random random) {
    List<String> names = new ArrayList<>();
    int[] labels = new int[pairs * PIXELS];
    int[] ids = new int[labels.length];
    float[] probabilities = new float[labels.length * 3];
    for (int i = 0; i < pairs; i++) {
      names.add("pair_" + batch + "_" + i);
      // Every seventh has no change; the others' quality varies.
      boolean empty = random.nextInt(7) == 0;
      int quality = 1 + random.nextInt(9);
      for (int at = i * PIXELS; at < (i + 1) * PIXELS; at++) {
        labels[at] = empty ? 0 : random.nextInt(20) == 0 ? 255 : random.nextInt(3);
        ids[at] = empty ? 0 : random.nextInt(10) < quality ? labels[at] % 255 : random.nextInt(3);
        for (int c = 0; c < 3; c++) {
          probabilities[at * 3 + c] = ids[at] == c ? 0.6f : 0.2f;
        }
      }
    }
    float[] image = new float[labels.length * 3];
    found.add(new Batch(batch, names, SIDE, image, image, labels), ids, probabilities, batch);
  }

  @Test
  void keepsTheBestAndTheWorstPairs() {
    Random random = new Random(9);
    for (int b = 0; b < 12; b++) {
      add(b, 5, random);
    }
    List<PairScore> ranked =
        found.pairs().stream()
            .filter(p -> !Double.isNaN(p.iou()))
            .sorted(Comparator.comparingDouble(PairScore::iou))
            .toList();
    assertThat(ranked).hasSizeBetween(40, 58);
    assertThat(found.worst().stream().map(r -> r.score().iou()))
        .isEqualTo(ranked.subList(0, 8).stream().map(PairScore::iou).toList());
    assertThat(found.best().stream().map(r -> r.score().iou()))
        .isEqualTo(ranked.reversed().subList(0, 8).stream().map(PairScore::iou).toList());
    assertThat(found.worst().getFirst().images().errors()).startsWith("data:image/png;base64,");
    assertThat(found.pairs().stream().mapToLong(PairScore::pixels).sum())
        .isEqualTo(found.matrix().total());
    assertThat(found.loss()).isCloseTo(5.5, within(1e-12));
  }

  @Test
  void ofFewPairsNoneIsBothGoodAndBad() {
    Random random = new Random(2);
    add(0, 5, random);
    List<Integer> both = new ArrayList<>();
    found.worst().forEach(r -> both.add(r.index()));
    found.best().forEach(r -> both.add(r.index()));
    assertThat(both).doesNotHaveDuplicates().hasSizeBetween(3, 5);
    assertThat(found.worst().getLast().score().iou())
        .isLessThanOrEqualTo(found.best().getLast().score().iou());
  }

  @Test
  void thresholdsOnAnyChangeLeaveOutIgnoredPixels() {
    add(0, 4, new Random(4));
    long changed = 0;
    for (int c = 1; c < 3; c++) {
      for (int p = 0; p < 3; p++) {
        changed += found.matrix().count(c, p);
      }
    }
    assertThat(found.change().positives()).isEqualTo(changed);
    assertThat(found.change().total()).isEqualTo(found.matrix().total());
    // Change is predicted with 0.8, no change with 0.4.
    double hits = 0;
    double predicted = 0;
    for (int t = 0; t < 3; t++) {
      for (int p = 1; p < 3; p++) {
        hits += t > 0 ? found.matrix().count(t, p) : 0;
        predicted += found.matrix().count(t, p);
      }
    }
    assertThat(found.change().at(0.6).precision()).isCloseTo(hits / predicted, within(1e-12));
    assertThat(found.change().at(0.6).recall()).isCloseTo(hits / changed, within(1e-12));
  }

  @Test
  void judgesPixels() {
    assertThat(PairImages.Outcome.of(0, 0)).isEqualTo(PairImages.Outcome.UNCHANGED);
    assertThat(PairImages.Outcome.of(2, 2)).isEqualTo(PairImages.Outcome.HIT);
    assertThat(PairImages.Outcome.of(0, 1)).isEqualTo(PairImages.Outcome.FALSE_ALARM);
    assertThat(PairImages.Outcome.of(2, 0)).isEqualTo(PairImages.Outcome.MISSED);
    assertThat(PairImages.Outcome.of(2, 1)).isEqualTo(PairImages.Outcome.OTHER_CLASS);
    assertThat(PairImages.Outcome.of(255, 1)).isEqualTo(PairImages.Outcome.IGNORED);
  }
}
