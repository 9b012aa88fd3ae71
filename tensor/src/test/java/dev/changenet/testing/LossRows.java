package dev.changenet.testing;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;
import java.util.Arrays;

/** Op table rows of {@link Loss}. */
final class LossRows {
  /** Batch, height, width, classes. */
  private static final int[][] SIZES = {
    {1, 1, 1, 2}, {2, 8, 8, 3}, {3, 5, 7, 2}, {1, 9, 4, 17}, {2, 33, 31, 2}, {1, 64, 70, 5}
  };

  private LossRows() {}

  private static Loss ops(OpCall c) {
    return c.backend().loss();
  }

  static void addTo(OpTable.Rows rows) {
    for (int[] s : SIZES) {
      for (double ignored : new double[] {0, 0.3, 1}) {
        for (boolean gradient : new boolean[] {true, false}) {
          add(rows, s, ignored, gradient);
        }
      }
      rows.add(
          "loss.argmax " + Arrays.toString(s),
          0,
          c -> ops(c).argmax(c.random(s), c.intOutput("out", s[0], s[1], s[2])));
    }
    // Every sample has a class that none of its pixels is: the same least overlap, 0.
    int[] equal = {4, 1, 1, 2};
    rows.add(
        "loss.mmIou ties",
        c ->
            ops(c)
                .mmIou(
                    c.uniform(0.5, 0, equal),
                    c.labels(2, 0, 4, 1, 1),
                    255,
                    c.float32().output("loss", 1),
                    c.output("gradLogits", equal)));
    rows.add(
        "loss.argmax ties",
        0,
        c -> {
          Tensor scores = c.uniform(0.5, 0, 37, 3);
          ops(c).argmax(scores, c.intOutput("out", 37));
        });
  }

  /** 0.5, 1.5, 2.5 …; the last class counts for nothing. */
  private static float[] weights(int classes) {
    float[] weights = new float[classes];
    for (int i = 0; i < classes - 1; i++) {
      weights[i] = i + 0.5f;
    }
    return weights;
  }

  private static void add(OpTable.Rows rows, int[] s, double ignored, boolean gradient) {
    String what = " " + Arrays.toString(s) + " ignored " + ignored + (gradient ? " gradient" : "");
    rows.add(
        "loss.crossEntropy" + what,
        c ->
            ops(c)
                .crossEntropy(
                    c.uniform(0, 4, s),
                    c.labels(s[3], ignored, s[0], s[1], s[2]),
                    255,
                    c.float32().output("loss", 1),
                    gradient ? c.output("gradLogits", s) : null));
    for (double gamma : new double[] {0, 0.5, 2}) {
      float[] weights = gamma == 2 ? null : weights(s[3]);
      rows.add(
          "loss.focal gamma " + gamma + (weights == null ? "" : " weighted") + what,
          c ->
              ops(c)
                  .focal(
                      c.uniform(0, 4, s),
                      c.labels(s[3], ignored, s[0], s[1], s[2]),
                      255,
                      weights,
                      gamma,
                      c.float32().output("loss", 1),
                      gradient ? c.output("gradLogits", s) : null));
    }
    rows.add(
        "loss.dice" + what,
        c ->
            ops(c)
                .dice(
                    c.uniform(0, 4, s),
                    c.labels(s[3], ignored, s[0], s[1], s[2]),
                    255,
                    c.float32().output("loss", 1),
                    gradient ? c.output("gradLogits", s) : null));
    rows.add(
        "loss.mmIou" + what,
        c ->
            ops(c)
                .mmIou(
                    c.uniform(0, 4, s),
                    c.labels(s[3], ignored, s[0], s[1], s[2]),
                    255,
                    c.float32().output("loss", 1),
                    gradient ? c.output("gradLogits", s) : null));
  }
}
