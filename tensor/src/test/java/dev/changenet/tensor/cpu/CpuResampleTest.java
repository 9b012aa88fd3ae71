package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.Samples.assertClose;
import static dev.changenet.tensor.cpu.Samples.tensor;
import static dev.changenet.tensor.cpu.Samples.unwritten;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuResampleTest {
  private final CpuResample ops = new CpuResample();

  private static ResizeGeometry geometry(Mode mode, boolean corners, int h, int w, int oh, int ow) {
    return new ResizeGeometry(mode, corners, (double) h / oh, (double) w / ow);
  }

  /** Weight of input i in output d. */
  private static double weight(
      Mode mode, boolean corners, int n, int m, double scale, int d, int i) {
    if (mode == Mode.BICUBIC) {
      return cubicWeight(n, (d + 0.5) * scale - 0.5, i);
    }
    double s =
        mode == Mode.NEAREST
            ? Math.floor(d * scale)
            : corners
                ? m == 1 ? 0 : d * (n - 1.0) / (m - 1.0)
                : Math.max(0, (d + 0.5) * scale - 0.5);
    int low = Math.min((int) s, n - 1);
    int high = Math.min(low + 1, n - 1);
    double f = mode == Mode.NEAREST ? 0 : s - low;
    return (i == low ? 1 - f : 0) + (i == high ? f : 0);
  }

  /** Keys' kernel with a = −0.75 over the four neighbours; those outside count as the edge. */
  private static double cubicWeight(int n, double s, int i) {
    double weight = 0;
    for (int k = -1; k <= 2; k++) {
      int at = (int) Math.floor(s) + k;
      double t = Math.abs(s - at);
      double w =
          t <= 1 ? (1.25 * t - 2.25) * t * t + 1 : t < 2 ? ((-0.75 * t + 3.75) * t - 6) * t + 3 : 0;
      weight += Math.clamp(at, 0, n - 1) == i ? w : 0;
    }
    return weight;
  }

  @ParameterizedTest
  @CsvSource({
    "1,1,1,1,1,1", "2,5,7,10,14,3", "1,4,4,9,13,2", "1,3,3,12,12,16", "1,8,6,4,3,17",
    "2,9,8,4,3,33", "1,16,16,5,6,1", "1,5,5,1,1,4", "1,20,3,40,6,48", "1,17,2,68,3,5"
  })
  void resizesAndGradientsFollowTheTapTable(int batch, int h, int w, int oh, int ow, int c) {
    for (Mode mode : Mode.values()) {
      for (boolean corners : new boolean[] {false, true}) {
        if (mode != Mode.BILINEAR && corners) {
          continue;
        }
        ResizeGeometry geometry = geometry(mode, corners, h, w, oh, ow);
        Tensor x = tensor(1, batch, h, w, c);
        Tensor g = tensor(2, batch, oh, ow, c);
        Tensor out = unwritten(batch, oh, ow, c);
        Tensor gx = unwritten(batch, h, w, c);
        ops.resize(x, geometry, out);
        ops.resizeBackward(g, geometry, gx);
        double[] eo = new double[batch * oh * ow * c];
        double[] ex = new double[batch * h * w * c];
        for (int y = 0; y < oh; y++) {
          for (int iy = 0; iy < h; iy++) {
            double wy = weight(mode, corners, h, oh, geometry.scaleH(), y, iy);
            for (int z = 0; z < ow && wy != 0; z++) {
              for (int iz = 0; iz < w; iz++) {
                double wz = wy * weight(mode, corners, w, ow, geometry.scaleW(), z, iz);
                for (int k = 0; k < batch * c && wz != 0; k++) {
                  int o = ((k / c * oh + y) * ow + z) * c + k % c;
                  int i = ((k / c * h + iy) * w + iz) * c + k % c;
                  eo[o] += wz * x.at(i);
                  ex[i] += wz * g.at(o);
                }
              }
            }
          }
        }
        assertClose(out.floats(), eo, 1e-6);
        assertClose(gx.floats(), ex, 1e-6);
      }
    }
  }

  @Test
  void nearestResizesIntegerLabels() {
    Tensor x = Tensor.of(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 255}, 1, 3, 3, 1);
    Tensor out = Tensor.of(new int[4], 1, 2, 2, 1);
    ops.resize(x, geometry(Mode.NEAREST, false, 3, 3, 2, 2), out);
    assertThat(out.ints()).containsExactly(1, 2, 4, 5);
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() {
    ResizeGeometry geometry = geometry(Mode.BILINEAR, false, 19, 13, 76, 52);
    Tensor x = tensor(1, 2, 19, 13, 20);
    Tensor g = tensor(2, 2, 76, 52, 20);
    Samples.assertSameForAnyThreadCount(
        () -> {
          Tensor out = unwritten(2, 76, 52, 20);
          Tensor gx = unwritten(2, 19, 13, 20);
          ops.resize(x, geometry, out);
          ops.resizeBackward(g, geometry, gx);
          return new float[][] {out.floats(), gx.floats()};
        });
  }
}
