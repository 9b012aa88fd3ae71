package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Resample;
import dev.changenet.tensor.backend.ResizeGeometry;

/** Bilinear and nearest resizing; each axis is a list of weighted taps, the two are independent. */
public final class ReferenceResample implements Resample {
  /** Where output index d of one axis reads: weight[d] of input low[d] plus the rest of high[d]. */
  private record Taps(int[] low, int[] high, double[] lowWeight) {
    static Taps of(ResizeGeometry.Mode mode, boolean alignCorners, double scale, int in, int out) {
      Taps taps = new Taps(new int[out], new int[out], new double[out]);
      for (int d = 0; d < out; d++) {
        double s =
            switch (mode) {
              case NEAREST -> Math.min(in - 1, Math.floor(d * scale));
              case BILINEAR -> {
                if (alignCorners) {
                  yield out == 1 ? 0 : d * (double) (in - 1) / (out - 1);
                }
                yield Math.max(0, (d + 0.5) * scale - 0.5);
              }
            };
        int low = Math.min(in - 1, (int) Math.floor(s));
        taps.low[d] = low;
        taps.high[d] = Math.min(low + 1, in - 1);
        taps.lowWeight[d] = 1 - (s - low);
      }
      return taps;
    }
  }

  /** Visits one weighted tap of the resize: element of the input, of the output, and weight. */
  private interface Tap {
    void visit(int in, int out, double weight);
  }

  private static void forEachTap(Tensor input, Tensor output, ResizeGeometry g, Tap tap) {
    int h = input.dim(1);
    int w = input.dim(2);
    int c = input.dim(3);
    int oh = output.dim(1);
    int ow = output.dim(2);
    Taps rows = Taps.of(g.mode(), g.alignCorners(), g.scaleH(), h, oh);
    Taps cols = Taps.of(g.mode(), g.alignCorners(), g.scaleW(), w, ow);
    for (int b = 0; b < input.dim(0); b++) {
      for (int oy = 0; oy < oh; oy++) {
        for (int ox = 0; ox < ow; ox++) {
          for (int corner = 0; corner < 4; corner++) {
            boolean top = corner < 2;
            boolean left = corner % 2 == 0;
            int y = top ? rows.low[oy] : rows.high[oy];
            int x = left ? cols.low[ox] : cols.high[ox];
            double weightY = top ? rows.lowWeight[oy] : 1 - rows.lowWeight[oy];
            double weightX = left ? cols.lowWeight[ox] : 1 - cols.lowWeight[ox];
            if (weightY * weightX == 0) {
              continue;
            }
            int in = ((b * h + y) * w + x) * c;
            int out = ((b * oh + oy) * ow + ox) * c;
            for (int i = 0; i < c; i++) {
              tap.visit(in + i, out + i, weightY * weightX);
            }
          }
        }
      }
    }
  }

  @Override
  public void resize(Tensor x, ResizeGeometry geometry, Tensor out) {
    double[] xv = Doubles.of(x);
    double[] y = new double[(int) out.elements()];
    forEachTap(x, out, geometry, (i, o, weight) -> y[o] += weight * xv[i]);
    Doubles.write(y, out);
  }

  @Override
  public void resizeBackward(Tensor gradOut, ResizeGeometry geometry, Tensor gradX) {
    double[] g = Doubles.of(gradOut);
    double[] gx = new double[(int) gradX.elements()];
    forEachTap(gradX, gradOut, geometry, (i, o, weight) -> gx[i] += weight * g[o]);
    Doubles.write(gx, gradX);
  }
}
