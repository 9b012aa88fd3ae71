package dev.changenet.testing;

import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;

/** Op table rows of {@link Convolution}: the shapes the models use, and odd ones. */
final class ConvolutionRows {
  private record Sample(int b, int h, int w, int in, int out, int kernel, ConvGeometry geometry) {
    Sample(int b, int h, int w, int in, int out, int kernel, int stride, int padding, int groups) {
      this(b, h, w, in, out, kernel, new ConvGeometry(stride, padding, groups));
    }

    int outH() {
      return geometry.outSize(h, kernel);
    }

    int outW() {
      return geometry.outSize(w, kernel);
    }

    int upH() {
      return geometry.transposedOutSize(h, kernel);
    }

    int upW() {
      return geometry.transposedOutSize(w, kernel);
    }

    int[] weight() {
      return new int[] {out, in / geometry.groups(), kernel, kernel};
    }

    @Override
    public String toString() {
      return " "
          + b
          + "x"
          + h
          + "x"
          + w
          + " "
          + in
          + ">"
          + out
          + " k"
          + kernel
          + "s"
          + geometry.stride()
          + "p"
          + geometry.padding()
          + (geometry.groups() > 1 ? " depthwise" : "");
    }
  }

  private static final Sample[] CONVOLUTIONS = {
    new Sample(1, 1, 1, 1, 1, 3, 1, 1, 1),
    new Sample(2, 9, 7, 5, 6, 3, 1, 1, 1),
    new Sample(1, 13, 17, 24, 40, 3, 1, 1, 1),
    new Sample(2, 6, 8, 32, 32, 3, 1, 1, 1),
    new Sample(1, 5, 5, 17, 2, 3, 1, 1, 1),
    new Sample(1, 16, 12, 48, 33, 3, 1, 1, 1),
    new Sample(2, 6, 7, 24, 2, 3, 1, 1, 1),
    new Sample(1, 3, 5, 16, 3, 5, 1, 2, 1),
    new Sample(1, 19, 21, 32, 64, 3, 1, 1, 1),
    new Sample(2, 4, 6, 5, 7, 1, 1, 0, 1),
    new Sample(1, 16, 12, 3, 8, 4, 4, 0, 1),
    new Sample(2, 8, 6, 17, 24, 2, 2, 0, 1),
    new Sample(2, 11, 12, 3, 4, 3, 2, 1, 1),
    new Sample(1, 12, 14, 3, 33, 3, 2, 1, 1),
    new Sample(2, 7, 5, 6, 6, 3, 1, 1, 6),
    new Sample(1, 9, 11, 33, 33, 3, 1, 1, 33),
    new Sample(1, 14, 10, 96, 96, 3, 1, 1, 96),
    new Sample(1, 2, 3, 3, 3, 7, 1, 3, 3),
    new Sample(2, 10, 13, 20, 20, 7, 1, 3, 20),
    new Sample(1, 16, 9, 48, 48, 7, 1, 3, 48),
  };

  private static final Sample[] TRANSPOSED = {
    new Sample(1, 1, 1, 1, 1, 4, 2, 1, 1),
    new Sample(2, 4, 3, 5, 6, 4, 2, 1, 1),
    new Sample(1, 7, 9, 32, 32, 4, 2, 1, 1),
    new Sample(1, 5, 6, 33, 17, 4, 2, 1, 1),
    new Sample(2, 3, 5, 4, 3, 2, 2, 0, 1),
    new Sample(1, 6, 7, 24, 33, 2, 2, 0, 1),
  };

  private ConvolutionRows() {}

  private static Convolution ops(OpCall c) {
    return c.backend().convolution();
  }

  static void addTo(OpTable.Rows rows) {
    for (Sample s : CONVOLUTIONS) {
      addConv(rows, s);
    }
    for (Sample s : TRANSPOSED) {
      addTransposed(rows, s);
    }
    addPair(rows, 2, 5, 7, 24, 32, 2);
    addPair(rows, 1, 1, 4, 16, 16, 1);
    addPair(rows, 1, 4, 3, 5, 6, 7);
    addPair(rows, 1, 2, 5, 8, 16, 1);
    addPair(rows, 2, 9, 2, 16, 8, 3);
    addPair(rows, 1, 3, 3, 8, 8, 2);
  }

  private static void addConv(OpTable.Rows rows, Sample s) {
    for (boolean bias : new boolean[] {true, false}) {
      for (boolean relu : new boolean[] {true, false}) {
        rows.add(
            "convolution.conv2d" + s + (bias ? " bias" : "") + (relu ? " relu" : ""),
            c ->
                ops(c)
                    .conv2d(
                        c.random(s.b, s.h, s.w, s.in),
                        c.float32().random(s.weight()),
                        bias ? c.float32().random(s.out) : null,
                        s.geometry,
                        relu,
                        c.output("out", s.b, s.outH(), s.outW(), s.out)));
      }
      rows.add(
          "convolution.conv2dBackwardWeight" + s + (bias ? " bias" : ""),
          c ->
              ops(c)
                  .conv2dBackwardWeight(
                      c.random(s.b, s.outH(), s.outW(), s.out),
                      c.random(s.b, s.h, s.w, s.in),
                      s.geometry,
                      c.float32().output("gradW", s.weight()),
                      bias ? c.float32().output("gradB", s.out) : null));
    }
    rows.add(
        "convolution.conv2dBackwardInput" + s,
        c ->
            ops(c)
                .conv2dBackwardInput(
                    c.random(s.b, s.outH(), s.outW(), s.out),
                    c.float32().random(s.weight()),
                    s.geometry,
                    c.output("gradX", s.b, s.h, s.w, s.in)));
  }

  private static void addTransposed(OpTable.Rows rows, Sample s) {
    int[] weight = {s.in, s.out, s.kernel, s.kernel};
    for (boolean bias : new boolean[] {true, false}) {
      rows.add(
          "convolution.convTranspose2d" + s + (bias ? " bias" : ""),
          c ->
              ops(c)
                  .convTranspose2d(
                      c.random(s.b, s.h, s.w, s.in),
                      c.float32().random(weight),
                      bias ? c.float32().random(s.out) : null,
                      s.geometry,
                      c.output("out", s.b, s.upH(), s.upW(), s.out)));
      rows.add(
          "convolution.convTranspose2dBackwardWeight" + s + (bias ? " bias" : ""),
          c ->
              ops(c)
                  .convTranspose2dBackwardWeight(
                      c.random(s.b, s.upH(), s.upW(), s.out),
                      c.random(s.b, s.h, s.w, s.in),
                      s.geometry,
                      c.float32().output("gradW", weight),
                      bias ? c.float32().output("gradB", s.out) : null));
    }
    rows.add(
        "convolution.convTranspose2dBackwardInput" + s,
        c ->
            ops(c)
                .convTranspose2dBackwardInput(
                    c.random(s.b, s.upH(), s.upW(), s.out),
                    c.float32().random(weight),
                    s.geometry,
                    c.output("gradX", s.b, s.h, s.w, s.in)));
  }

  private static void addPair(OpTable.Rows rows, int b, int h, int w, int in, int mid, int out) {
    String sizes = " " + b + "x" + h + "x" + w + " " + in + ">" + mid + ">" + out;
    for (boolean bias : new boolean[] {true, false}) {
      String name = sizes + (bias ? " bias" : "");
      rows.add(
          "convolution.conv2dPair" + name,
          c ->
              ops(c)
                  .conv2dPair(
                      c.random(b, h, w, in),
                      c.float32().random(mid, in, 3, 3),
                      bias ? c.float32().random(mid) : null,
                      c.float32().random(out, mid, 3, 3),
                      c.output("out", b, h, w, out)));
      rows.add(
          "convolution.conv2dPairBackward" + name,
          c ->
              ops(c)
                  .conv2dPairBackward(
                      c.random(b, h, w, out),
                      c.random(b, h, w, in),
                      c.float32().random(mid, in, 3, 3),
                      bias ? c.float32().random(mid) : null,
                      c.float32().random(out, mid, 3, 3),
                      c.output("gradX", b, h, w, in),
                      c.float32().output("gradW1", mid, in, 3, 3),
                      bias ? c.float32().output("gradB1", mid) : null,
                      c.float32().output("gradW2", out, mid, 3, 3)));
    }
  }
}
