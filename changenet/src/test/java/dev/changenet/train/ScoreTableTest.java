package dev.changenet.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.metrics.ConfusionMatrix;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScoreTableTest {
  /** Confuses a tenth of class 0 with class 1, and half of class 1 with class 0. */
  private static ConfusionMatrix matrix(int classes) {
    ConfusionMatrix matrix = new ConfusionMatrix(classes);
    matrix.add(0, 0, 90);
    matrix.add(0, 1, 10);
    matrix.add(1, 0, 10);
    matrix.add(1, 1, 10);
    return matrix;
  }

  @Test
  void twoClassesHaveARowEachBelowTheListOfNames() {
    assertThat(ScoreTable.of(matrix(2).scores(), List.of("unchanged", "changed")))
        .isEqualTo(
            """
            Test metrics:
              F1_0        0.9000  F1_1        0.5000  acc         0.8333  iou_0       0.8182
              iou_1       0.3333  mf1         0.7000  miou        0.5758  mprecision  0.7000
              mrecall     0.7000  precision_0 0.9000  precision_1 0.5000  recall_0    0.9000
              recall_1    0.5000

              class           IoU  precision  recall      F1
              0 unchanged  0.8182     0.9000  0.9000  0.9000
              1 changed    0.3333     0.5000  0.5000  0.5000
              mean         0.5758     0.7000  0.7000  0.7000
              Accuracy 0.8333""");
  }

  @Test
  void manyClassesStayNarrowAndLowAndNamesStaySorted() {
    List<String> names =
        IntStream.range(0, 12).mapToObj(c -> c == 1 ? "x".repeat(60) : "class " + c).toList();

    String text = ScoreTable.of(matrix(12).scores(), names);

    assertThat(text.lines()).hasSizeLessThan(36).allMatch(line -> line.length() <= 80);
    assertThat(text)
        .contains("\n  1 " + "x".repeat(23) + "…  0.3333     0.5000  0.5000  0.5000\n")
        .contains("\n  11                          0.0000     0.0000  0.0000  0.0000\n");
    String list = text.substring(text.indexOf('\n'), text.indexOf("\n\n"));
    assertThat(List.of(list.strip().split(" +[0-9.]+\\s*")))
        .containsExactlyElementsOf(matrix(12).scores().keySet());
  }
}
