package dev.changenet.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.changenet.testing.ReferenceData;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;

class ConfusionMatrixTest {
  @Test
  void matchesTheGoldenScores() throws IOException {
    JsonNode root =
        new ObjectMapper().readTree(ReferenceData.golden("metrics/metrics.json").toFile());
    int checked = 0;
    for (JsonNode c : root.get("cases")) {
      JsonNode matrix = c.get("confusion_matrix");
      ConfusionMatrix h = new ConfusionMatrix(matrix.size());
      for (int t = 0; t < matrix.size(); t++) {
        for (int p = 0; p < matrix.size(); p++) {
          h.add(t, p, matrix.get(t).get(p).asLong());
        }
      }
      SortedMap<String, Double> scores = h.scores();
      assertThat(scores).hasSize(5 + 4 * matrix.size());
      for (String group : new String[] {"scores", "mean_scores"}) {
        for (Map.Entry<String, JsonNode> e : c.get(group).properties()) {
          assertThat(scores.get(e.getKey()))
              .as(matrix + " " + e.getKey())
              .isCloseTo(e.getValue().asDouble(), within(1e-12));
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(80);
  }

  @Test
  void leavesOutLabelsThatAreNoClass() {
    ConfusionMatrix h = new ConfusionMatrix(2);
    h.add(new int[] {0, 1, 255, 2, -1, 1}, new int[] {0, 1, 1, 0, 1, 0});
    assertThat(h.total()).isEqualTo(3);
    assertThat(h.count(1, 0)).isEqualTo(1);
    assertThat(h.count(0, 1)).isZero();
  }

  @Test
  void addsUpBatches() {
    ConfusionMatrix first = new ConfusionMatrix(3);
    first.add(new int[] {0, 1}, new int[] {0, 2});
    ConfusionMatrix second = new ConfusionMatrix(3);
    second.add(new int[] {2}, new int[] {2});
    first.add(second);
    assertThat(first.total()).isEqualTo(3);
    assertThat(first.count(2, 2)).isEqualTo(1);
  }

  @Test
  void sortsTheScoresByName() {
    assertThat(new ConfusionMatrix(2).scores().keySet())
        .containsExactly(
            "F1_0",
            "F1_1",
            "acc",
            "iou_0",
            "iou_1",
            "mf1",
            "miou",
            "mprecision",
            "mrecall",
            "precision_0",
            "precision_1",
            "recall_0",
            "recall_1");
  }

  @Test
  void refusesWhatCannotBeCounted() {
    ConfusionMatrix h = new ConfusionMatrix(2);
    assertThatThrownBy(() -> h.add(0, 2, 1)).hasMessageContaining("0…1, got 2");
    assertThatThrownBy(() -> h.add(0, -1, 1)).hasMessageContaining("got -1");
    assertThatThrownBy(() -> h.add(new int[2], new int[3])).hasMessageContaining("2 labels");
    assertThatThrownBy(() -> h.add(new ConfusionMatrix(3))).hasMessageContaining("3 classes to 2");
    assertThatThrownBy(() -> new ConfusionMatrix(1)).hasMessageContaining("at least 2");
  }
}
