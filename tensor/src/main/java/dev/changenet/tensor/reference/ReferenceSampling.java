package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling;

/** Bilinear reads, one corner at a time. */
public final class ReferenceSampling implements Sampling {
  /** One corner: its pixel, its weight, and the weight's derivatives by x and y. */
  private interface Corner {
    void visit(int pixel, double weight, double byX, double byY);
  }

  private static void corners(double x, double y, int height, int width, Corner corner) {
    double left = Math.floor(x);
    double top = Math.floor(y);
    for (int i = 0; i < 4; i++) {
      double column = left + i % 2;
      double row = top + i / 2;
      if (column < 0 || column >= width || row < 0 || row >= height) {
        continue;
      }
      double weightX = i % 2 == 0 ? 1 - (x - left) : x - left;
      double weightY = i / 2 == 0 ? 1 - (y - top) : y - top;
      corner.visit(
          (int) row * width + (int) column,
          weightX * weightY,
          i % 2 == 0 ? -weightY : weightY,
          i / 2 == 0 ? -weightX : weightX);
    }
  }

  /** A sampling point of deformable attention that gets one corner. */
  private interface Point {
    /**
     * @param out first element of the head in the output row
     * @param value first element of the head in the value row
     * @param weight index of the point's attention weight; its offsets are at twice that
     */
    void visit(int out, int value, int weight, double corner, double byX, double byY);
  }

  private static void forEachCorner(
      Tensor out,
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      int heads,
      int points,
      Point point) {
    double[] ref = Doubles.of(reference);
    double[] off = Doubles.of(offsets);
    int queries = out.dim(1);
    int width = out.dim(2);
    int perHead = levels.count() * points;
    for (int row = 0; row < out.dim(0) * queries; row++) {
      int query = row % queries;
      int sample = row / queries * value.dim(1);
      for (int h = 0; h < heads; h++) {
        int column = h * (width / heads);
        for (int l = 0; l < levels.count(); l++) {
          int first = sample + levels.start(l);
          int mapHeight = levels.heights()[l];
          int mapWidth = levels.widths()[l];
          for (int p = 0; p < points; p++) {
            int w = (row * heads + h) * perHead + l * points + p;
            int o = row * width + column;
            corners(
                ref[2 * query] * mapWidth + off[2 * w] - 0.5,
                ref[2 * query + 1] * mapHeight + off[2 * w + 1] - 0.5,
                mapHeight,
                mapWidth,
                (pixel, weight, byX, byY) ->
                    point.visit(o, (first + pixel) * width + column, w, weight, byX, byY));
          }
        }
      }
    }
  }

  @Override
  public void deformableAttention(
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor out) {
    double[] v = Doubles.of(value);
    double[] a = Doubles.of(weights);
    double[] sum = new double[(int) out.elements()];
    int d = out.dim(2) / heads;
    forEachCorner(
        out,
        value,
        levels,
        reference,
        offsets,
        heads,
        points,
        (o, at, w, corner, byX, byY) -> {
          for (int c = 0; c < d; c++) {
            sum[o + c] += a[w] * corner * v[at + c];
          }
        });
    Doubles.write(sum, out);
  }

  @Override
  public void deformableAttentionBackward(
      Tensor gradOut,
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points,
      Tensor gradValue,
      Tensor gradOffsets,
      Tensor gradWeights) {
    double[] g = Doubles.of(gradOut);
    double[] v = Doubles.of(value);
    double[] a = Doubles.of(weights);
    double[] gv = new double[v.length];
    double[] ga = new double[a.length];
    double[] go = new double[2 * a.length];
    int d = gradOut.dim(2) / heads;
    forEachCorner(
        gradOut,
        value,
        levels,
        reference,
        offsets,
        heads,
        points,
        (o, at, w, corner, byX, byY) -> {
          double dot = 0;
          for (int c = 0; c < d; c++) {
            dot += g[o + c] * v[at + c];
            gv[at + c] += a[w] * corner * g[o + c];
          }
          ga[w] += corner * dot;
          go[2 * w] += a[w] * byX * dot;
          go[2 * w + 1] += a[w] * byY * dot;
        });
    Doubles.write(gv, gradValue);
    Doubles.write(go, gradOffsets);
    Doubles.write(ga, gradWeights);
  }

  @Override
  public void sampleTable(Tensor table, Tensor positions, Tensor keep, Tensor out) {
    double[] t = Doubles.of(table);
    double[] sum = new double[(int) out.elements()];
    int c = table.dim(2);
    forEachTableCorner(
        table,
        positions,
        keep,
        (token, pixel, weight) -> {
          for (int i = 0; i < c; i++) {
            sum[token * c + i] += weight * t[pixel * c + i];
          }
        });
    Doubles.write(sum, out);
  }

  @Override
  public void sampleTableBackward(Tensor gradOut, Tensor positions, Tensor keep, Tensor gradTable) {
    double[] g = Doubles.of(gradOut);
    double[] gt = new double[(int) gradTable.elements()];
    int c = gradTable.dim(2);
    forEachTableCorner(
        gradTable,
        positions,
        keep,
        (token, pixel, weight) -> {
          for (int i = 0; i < c; i++) {
            gt[pixel * c + i] += weight * g[token * c + i];
          }
        });
    Doubles.write(gt, gradTable);
  }

  /** A token's corner in the table. */
  private interface TableCorner {
    void visit(int token, int pixel, double weight);
  }

  private static void forEachTableCorner(
      Tensor table, Tensor positions, Tensor keep, TableCorner visitor) {
    double[] at = Doubles.of(positions);
    double[] kept = Doubles.of(keep);
    int height = table.dim(0);
    int width = table.dim(1);
    int tokens = positions.dim(1);
    for (int i = 0; i < positions.dim(0) * tokens; i++) {
      int token = i;
      corners(
          at[2 * i] * (width - 1),
          at[2 * i + 1] * (height - 1),
          height,
          width,
          (pixel, weight, byX, byY) -> visitor.visit(token, pixel, kept[token / tokens] * weight));
    }
  }
}
