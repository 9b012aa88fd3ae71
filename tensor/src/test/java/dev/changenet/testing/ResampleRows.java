package dev.changenet.testing;

import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;

/** Op table rows of {@link Resample}. */
final class ResampleRows {
  /** Batch, input height and width, output height and width, channels. */
  private static final int[][] SIZES = {
    {1, 1, 1, 1, 1, 1}, {1, 1, 1, 5, 3, 2}, {2, 5, 7, 10, 14, 3}, {1, 8, 6, 4, 3, 17},
    {1, 9, 8, 4, 3, 5}, {1, 4, 4, 4, 4, 16}, {2, 7, 9, 5, 4, 33}, {1, 6, 5, 24, 20, 32},
    {1, 16, 12, 64, 48, 24}, {1, 5, 5, 1, 1, 4}, {1, 3, 17, 11, 13, 1}
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
    }
    // A factor of 1/2 on an odd size: the ratio of the sizes is not the reciprocal of the factor.
    add(rows, new int[] {1, 7, 5, 3, 2, 6}, new ResizeGeometry(Mode.BILINEAR, false, 2, 2));
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
