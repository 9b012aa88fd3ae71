package dev.changenet.testing;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Elementwise;
import java.util.Arrays;

/** Op table rows of {@link Elementwise}. */
final class ElementwiseRows {
  private static final int[] SIZES = {0, 1, 7, 15, 16, 17, 33, 1009, 70_001};

  private ElementwiseRows() {}

  static void addTo(OpTable.Rows rows) {
    for (int n : SIZES) {
      String size = " n=" + n;
      rows.add("elementwise.fill" + size, 0, c -> ops(c).fill(c.output("x", n), -0.375));
      rows.add("elementwise.copy" + size, 0, c -> ops(c).copy(c.random(n), c.output("out", n)));
      rows.add(
          "elementwise.add" + size,
          c -> ops(c).add(c.random(n), c.random(n), 0.75f, c.output("out", n)));
      rows.add(
          "elementwise.scale" + size, c -> ops(c).scale(c.random(n), -1.5f, c.output("out", n)));
      rows.add("elementwise.cast" + size, c -> ops(c).cast(c.random(n), c.output("out", n)));
      rows.add(
          "elementwise.cast to parameter" + size,
          c -> ops(c).cast(c.random(n), c.parameterOutput("out", n)));
      rows.add(
          "elementwise.cast from parameter" + size,
          c -> ops(c).cast(c.parameter(0, 1, n), c.output("out", n)));
      rows.add(
          "elementwise.scaleBy" + size,
          c -> ops(c).scaleBy(c.random(n), c.parameter(0, 1, 1), c.output("out", n)));
      for (Activation f : Activation.values()) {
        rows.add(
            "elementwise.activation " + f + size,
            c -> ops(c).activation(f, c.uniform(0, 6, n), c.output("out", n)));
        rows.add(
            "elementwise.activationBackward " + f + size,
            c ->
                ops(c)
                    .activationBackward(f, c.uniform(0, 6, n), c.random(n), c.output("gradX", n)));
      }
    }
    addInPlace(rows);
    addBroadcast(rows);
    addResidual(rows);
    addGated(rows);
    addMoves(rows);
  }

  private static Elementwise ops(OpCall c) {
    return c.backend().elementwise();
  }

  private static void addInPlace(OpTable.Rows rows) {
    int n = 1009;
    rows.add(
        "elementwise.add out=a",
        c -> {
          Tensor a = c.inOut("a", c.random(n));
          ops(c).add(a, c.random(n), -2, a);
        });
    rows.add(
        "elementwise.add out=b",
        c -> {
          Tensor b = c.inOut("b", c.random(n));
          ops(c).add(c.random(n), b, 1, b);
        });
    rows.add(
        "elementwise.add a=b=out",
        c -> {
          Tensor a = c.inOut("a", c.random(n));
          ops(c).add(a, a, 1, a);
        });
    rows.add(
        "elementwise.scale out=x",
        c -> {
          Tensor x = c.inOut("x", c.random(n));
          ops(c).scale(x, 3, x);
        });
    rows.add(
        "elementwise.addRepeated out=a",
        c -> {
          Tensor a = c.inOut("a", c.random(5, 33));
          ops(c).addRepeated(a, c.random(33), a);
        });
    for (Activation f : Activation.values()) {
      rows.add(
          "elementwise.activation out=x " + f,
          c -> {
            Tensor x = c.inOut("x", c.uniform(0, 6, n));
            ops(c).activation(f, x, x);
          });
      rows.add(
          "elementwise.activationBackward gradX=gradOut " + f,
          c -> {
            Tensor g = c.inOut("g", c.random(n));
            ops(c).activationBackward(f, c.uniform(0, 6, n), g, g);
          });
    }
  }

  private static void addBroadcast(OpTable.Rows rows) {
    int[][] sizes = {
      {0, 7},
      {1, 1},
      {1, 17},
      {3, 1},
      {5, 33},
      {2, 4099},
      {517, 48},
      {8, 20_011},
      {70, 264},
      {1100, 8}
    };
    for (int[] s : sizes) {
      int r = s[0];
      int n = s[1];
      String size = " " + r + "x" + n;
      rows.add(
          "elementwise.addRepeated" + size,
          c -> ops(c).addRepeated(c.random(r, n), c.random(n), c.output("out", r, n)));
      rows.add(
          "elementwise.sumLeading" + size,
          c -> ops(c).sumLeading(c.random(r, n), c.output("out", n)));
      rows.add(
          "elementwise.addRepeated parameter" + size,
          c -> ops(c).addRepeated(c.random(r, n), c.parameter(0, 1, n), c.output("out", r, n)));
      rows.add(
          "elementwise.sumLeading parameter" + size,
          c -> ops(c).sumLeading(c.random(r, n), c.parameterOutput("out", n)));
    }
  }

  private static void addResidual(OpTable.Rows rows) {
    int[][] shapes = {{0, 3, 17}, {1, 1, 1}, {2, 3, 17}, {3, 7, 7, 24}, {2, 301, 96}, {2, 40, 264}};
    for (int[] shape : shapes) {
      int channels = shape[shape.length - 1];
      float[] drop = new float[shape[0]];
      for (int i = 0; i < drop.length; i++) {
        drop[i] = i == 1 ? 0 : 1.25f;
      }
      for (int variant = 0; variant < 4; variant++) {
        boolean withGamma = variant % 2 == 0;
        float[] scale = variant < 2 ? null : drop;
        String what =
            " "
                + Arrays.toString(shape)
                + (withGamma ? " gamma" : "")
                + (scale != null ? " dropPath" : "");
        rows.add(
            "elementwise.residual" + what,
            c ->
                ops(c)
                    .residual(
                        c.random(shape),
                        c.random(shape),
                        withGamma ? c.parameter(0, 1, channels) : null,
                        scale,
                        c.output("out", shape)));
        rows.add(
            "elementwise.residualBackward" + what,
            c ->
                ops(c)
                    .residualBackward(
                        c.random(shape),
                        c.random(shape),
                        withGamma ? c.parameter(0, 1, channels) : null,
                        scale,
                        c.output("gradY", shape),
                        withGamma ? c.parameterOutput("gradGamma", channels) : null));
      }
    }
    rows.add(
        "elementwise.residualBackward gradGamma only",
        c ->
            ops(c)
                .residualBackward(
                    c.random(2, 5, 19),
                    c.random(2, 5, 19),
                    c.parameter(0, 1, 19),
                    null,
                    null,
                    c.parameterOutput("gradGamma", 19)));
  }

  private static void addGated(OpTable.Rows rows) {
    for (int[] s : new int[][] {{0, 7}, {1, 1}, {3, 7}, {5, 17}, {37, 64}, {130, 2736}}) {
      int n = s[0];
      int f = s[1];
      String size = " " + n + "x" + f;
      rows.add(
          "elementwise.swiglu" + size,
          c -> ops(c).swiglu(c.uniform(0, 6, n, 2 * f), c.output("out", n, f)));
      rows.add(
          "elementwise.swigluBackward" + size,
          c ->
              ops(c)
                  .swigluBackward(
                      c.uniform(0, 6, n, 2 * f), c.random(n, f), c.output("gradX", n, 2 * f)));
    }
    for (int[] s :
        new int[][] {
          {0, 3, 17}, {1, 1, 1}, {2, 3, 17}, {3, 300, 33}, {2, 4100, 24}, {2, 70, 264}
        }) {
      String size = " " + Arrays.toString(s);
      rows.add(
          "elementwise.addPerSample" + size,
          c -> ops(c).addPerSample(c.random(s), c.random(s[0], s[2]), c.output("out", s)));
      rows.add(
          "elementwise.sumPerSample" + size,
          c -> ops(c).sumPerSample(c.random(s), c.output("out", s[0], s[2])));
    }
    rows.add(
        "elementwise.addPerSample out=x",
        c -> {
          Tensor x = c.inOut("x", c.random(2, 5, 19));
          ops(c).addPerSample(x, c.random(2, 19), x);
        });
  }

  private static void addMoves(OpTable.Rows rows) {
    rows.add(
        "elementwise.copyBlocks concatenation",
        0,
        c -> {
          Tensor out = c.output("out", 13, 5 + 18);
          ops(c).copyBlocks(c.random(13, 5), 0, 5, out, 0, 23, 5, 13);
          ops(c).copyBlocks(c.random(13, 18), 0, 18, out, 5, 23, 18, 13);
        });
    rows.add(
        "elementwise.copyBlocks narrow",
        0,
        c ->
            ops(c).copyBlocks(c.random(513, 96), 32, 96, c.output("out", 513, 31), 0, 31, 31, 513));
    rows.add(
        "elementwise.copyBlocks int32",
        0,
        c -> ops(c).copyBlocks(c.labels(9, 0, 6, 7), 7, 14, c.intOutput("out", 3, 7), 0, 7, 7, 3));
    rows.add(
        "elementwise.copy int32",
        0,
        c -> ops(c).copy(c.labels(5, 0.3, 41), c.intOutput("out", 41)));
    int[][] sizes = {
      {0, 3, 5}, {1, 1, 1}, {2, 3, 5}, {1, 16, 16}, {3, 17, 31}, {2, 3, 64 * 48}, {1, 301, 97}
    };
    for (int[] s : sizes) {
      rows.add(
          "elementwise.transpose " + Arrays.toString(s),
          0,
          c -> ops(c).transpose(c.random(s), s[0], s[1], s[2], c.output("out", s[0], s[2], s[1])));
    }
  }
}
