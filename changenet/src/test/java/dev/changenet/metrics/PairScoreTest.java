package dev.changenet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PairScoreTest {
  @Test
  void agreesWithTheScoresOfTheMatrix() {
    ConfusionMatrix m = new ConfusionMatrix(3);
    m.add(0, 0, 50);
    m.add(0, 1, 4);
    m.add(1, 1, 20);
    m.add(1, 2, 3);
    m.add(2, 0, 5);
    m.add(2, 2, 9);
    PairScore p = PairScore.of("x.png", m);
    assertThat(p.iou())
        .isCloseTo((m.scores().get("iou_1") + m.scores().get("iou_2")) / 2, within(1e-6));
    assertThat(p.f1())
        .isCloseTo((m.scores().get("F1_1") + m.scores().get("F1_2")) / 2, within(1e-6));
    assertThat(p.accuracy()).isCloseTo(m.scores().get("acc"), within(1e-6));
    assertThat(p.truth()).isEqualTo(37);
    assertThat(p.predicted()).isEqualTo(36);
    assertThat(p.wrong()).isEqualTo(12);
    assertThat(p.pixels()).isEqualTo(91);
  }

  @Test
  void leavesOutClassesThatDoNotOccur() {
    ConfusionMatrix m = new ConfusionMatrix(3);
    m.add(0, 0, 8);
    m.add(1, 1, 4);
    assertThat(PairScore.of("x.png", m).iou()).isEqualTo(1);
  }

  @Test
  void hasNoIouWithoutChange() {
    ConfusionMatrix m = new ConfusionMatrix(2);
    m.add(0, 0, 16);
    PairScore p = PairScore.of("x.png", m);
    assertThat(p.iou()).isNaN();
    assertThat(p.f1()).isNaN();
    assertThat(p.accuracy()).isEqualTo(1);
    m.add(0, 1, 2);
    assertThat(PairScore.of("x.png", m).iou()).isZero();
  }
}
