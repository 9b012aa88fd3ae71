package dev.changenet.testing;

import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import java.util.Arrays;

/** Op table rows of {@link Resample}. */
final class ResampleRows {
  /** Batch, input height and width, output height and width, channels. */
  private static final int[][] SIZES = {
    {0, 2, 3, 4, 6, 5},
    {1, 1, 1, 1, 1, 1},
    {1, 1, 1, 5, 3, 2},
    {2, 5, 7, 10, 14, 3},
    {1, 8, 6, 4, 3, 17},
    {1, 9, 8, 4, 3, 5},
    {1, 4, 4, 4, 4, 16},
    {2, 7, 9, 5, 4, 33},
    {1, 6, 5, 24, 20, 32},
    {1, 16, 12, 64, 48, 24},
    {1, 5, 5, 1, 1, 4},
    {1, 3, 17, 11, 13, 1}
  };

  private ResampleRows() {}

  private static Resample ops(OpCall c) {
    return c.backend().resample();
  }

  static void addTo(OpTable.Rows rows) {
    for (int[] s : SIZES) {
      double scaleH = (double) s[1] / s[3];
      double scaleW = (double) s[2] / s[4];
      add(rows, s, new ResizeGeometry(Mode.BILINEAR, false, scaleH, scaleW));
      add(rows, s, new ResizeGeometry(Mode.BILINEAR, true, scaleH, scaleW));
      add(rows, s, new ResizeGeometry(Mode.NEAREST, false, scaleH, scaleW));
      add(rows, s, new ResizeGeometry(Mode.BICUBIC, false, scaleH, scaleW));
      add(rows, s, new ResizeGeometry(Mode.BICUBIC, true, scaleH, scaleW));
    }
    // A factor of 1/2 on an odd size: the ratio of the sizes is not the reciprocal of the factor.
    add(rows, new int[] {1, 7, 5, 3, 2, 6}, new ResizeGeometry(Mode.BILINEAR, false, 2, 2));
    for (int[] s :
        new int[][] {{0, 5, 6, 3}, {1, 1, 1, 1}, {2, 10, 9, 3}, {1, 7, 8, 17}, {2, 16, 12, 56}}) {
      addPool(rows, s, 3, 2, 1);
      addPool(rows, s, 2, 1, 1);
    }
    addPool(rows, new int[] {1, 9, 11, 33}, 2, 3, 0);
  }

  private static void addPool(OpTable.Rows rows, int[] s, int kernel, int stride, int padding) {
    int height = (s[1] + 2 * padding - kernel) / stride + 1;
    int width = (s[2] + 2 * padding - kernel) / stride + 1;
    int[] pooled = {s[0], height, width, s[3]};
    String what = " k" + kernel + "s" + stride + "p" + padding + " " + Arrays.toString(s);
    rows.add(
        "resample.maxPool2d" + what,
        c ->
            ops(c)
                .maxPool2d(
                    c.random(s),
                    kernel,
                    stride,
                    padding,
                    c.output("out", pooled),
                    c.intOutput("argmax", pooled)));
    rows.add(
        "resample.maxPool2d ties" + what,
        c ->
            ops(c)
                .maxPool2d(
                    c.values(coarse(s), s),
                    kernel,
                    stride,
                    padding,
                    c.output("out", pooled),
                    c.intOutput("argmax", pooled)));
    rows.add(
        "resample.maxPool2dBackward" + what,
        c ->
            ops(c)
                .maxPool2dBackward(
                    c.random(pooled),
                    c.ints(winners(s, pooled, kernel, stride, padding), pooled),
                    kernel,
                    stride,
                    padding,
                    c.output("gradX", s)));
  }

  /** Few different values, so that windows have several largest elements. */
  private static double[] coarse(int[] s) {
    double[] values = new double[s[0] * s[1] * s[2] * s[3]];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 7 % 5 % 3 - 1;
    }
    return values;
  }

  /** For every window some pixel inside it. */
  private static int[] winners(int[] s, int[] pooled, int kernel, int stride, int padding) {
    int[] winners = new int[pooled[0] * pooled[1] * pooled[2] * pooled[3]];
    for (int i = 0; i < winners.length; i++) {
      int row = i / (pooled[3] * pooled[2]) % pooled[1] * stride - padding + i % kernel;
      int column = i / pooled[3] % pooled[2] * stride - padding + i / 2 % kernel;
      winners[i] = Math.clamp(row, 0, s[1] - 1) * s[2] + Math.clamp(column, 0, s[2] - 1);
    }
    return winners;
  }

  private static void add(OpTable.Rows rows, int[] s, ResizeGeometry g) {
    String what =
        " "
            + g.mode()
            + (g.alignCorners() ? " corners " : " ")
            + s[0]
            + "x"
            + s[1]
            + "x"
            + s[2]
            + " to "
            + s[3]
            + "x"
            + s[4]
            + " C"
            + s[5]
            + (g.scaleH() * s[3] == s[1] ? "" : " scale " + g.scaleH());
    rows.add(
        "resample.resize" + what,
        c ->
            ops(c)
                .resize(
                    c.random(s[0], s[1], s[2], s[5]), g, c.output("out", s[0], s[3], s[4], s[5])));
    rows.add(
        "resample.resizeBackward" + what,
        c ->
            ops(c)
                .resizeBackward(
                    c.random(s[0], s[3], s[4], s[5]),
                    g,
                    c.output("gradX", s[0], s[1], s[2], s[5])));
  }
}
