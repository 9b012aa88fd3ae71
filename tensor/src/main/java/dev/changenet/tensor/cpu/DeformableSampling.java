package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.VectorMath.LANES;
import static dev.changenet.tensor.cpu.VectorMath.SPECIES;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Multi-scale deformable attention. Forward: the corners of all points of a query and head are
 * listed with their weights, then summed with the channels in vectors. Backward: one task per head,
 * which adds to its own columns only.
 */
final class DeformableSampling {
  private final float[] value;
  private final float[] reference;
  private final float[] offsets;
  private final float[] weights;
  private final Levels levels;
  private final int[] starts;
  private final int heads;
  private final int points;
  private final int queries;
  private final int tokens;
  private final int width;
  private final int perHead;

  DeformableSampling(
      Tensor value,
      Levels levels,
      Tensor reference,
      Tensor offsets,
      Tensor weights,
      int heads,
      int points) {
    this.value = value.floats();
    this.reference = reference.floats();
    this.offsets = offsets.floats();
    this.weights = weights.floats();
    this.levels = levels;
    this.heads = heads;
    this.points = points;
    starts = new int[levels.count()];
    for (int l = 0; l < starts.length; l++) {
      starts[l] = levels.start(l);
    }
    queries = reference.dim(0);
    tokens = value.dim(1);
    width = value.dim(2);
    perHead = starts.length * points;
  }

  /** The four corners of one sampling point; those outside the level have no token. */
  private static final class Corners {
    final int[] token = new int[4];
    final boolean[] inside = new boolean[4];
    float fx;
    float fy;

    void locate(float x, float y, int height, int width) {
      float left = (float) Math.floor(x);
      float top = (float) Math.floor(y);
      fx = x - left;
      fy = y - top;
      for (int i = 0; i < 4; i++) {
        float column = left + (i & 1);
        float row = top + (i >> 1);
        inside[i] = column >= 0 && column < width && row >= 0 && row < height;
        token[i] = inside[i] ? (int) row * width + (int) column : -1;
      }
    }

    float weight(int i) {
      return ((i & 1) == 0 ? 1 - fx : fx) * ((i >> 1) == 0 ? 1 - fy : fy);
    }
  }

  private void locate(Corners corners, int query, int level, int weight) {
    int mapHeight = levels.heights()[level];
    int mapWidth = levels.widths()[level];
    corners.locate(
        Math.fma(reference[2 * query], mapWidth, offsets[2 * weight] - 0.5f),
        Math.fma(reference[2 * query + 1], mapHeight, offsets[2 * weight + 1] - 0.5f),
        mapHeight,
        mapWidth);
  }

  /** Output rows from … to − 1, counted over the batch. */
  void forward(float[] out, int from, int to) {
    Corners corners = new Corners();
    int[] at = new int[4 * perHead];
    float[] factor = new float[4 * perHead];
    int d = width / heads;
    for (int row = from; row < to; row++) {
      for (int h = 0; h < heads; h++) {
        int n = list(corners, row, h, at, factor);
        sum(at, factor, n, out, row * width + h * d, d);
      }
    }
  }

  /** Lists where the head's corners lie in value and what they count; returns how many. */
  private int list(Corners corners, int row, int head, int[] at, float[] factor) {
    int sample = row / queries * tokens;
    int column = head * (width / heads);
    int n = 0;
    for (int l = 0; l < starts.length; l++) {
      for (int p = 0; p < points; p++) {
        int w = (row * heads + head) * perHead + l * points + p;
        locate(corners, row % queries, l, w);
        for (int i = 0; i < 4; i++) {
          if (corners.inside[i]) {
            at[n] = (sample + starts[l] + corners.token[i]) * width + column;
            factor[n++] = weights[w] * corners.weight(i);
          }
        }
      }
    }
    return n;
  }

  /** out = Σ factor[k]·value[at[k] …]. */
  private void sum(int[] at, float[] factor, int n, float[] out, int to, int d) {
    int c = 0;
    for (; c <= d - LANES; c += LANES) {
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = 0; k < n; k++) {
        sum =
            FloatVector.fromArray(SPECIES, value, at[k] + c)
                .fma(FloatVector.broadcast(SPECIES, factor[k]), sum);
      }
      sum.intoArray(out, to + c);
    }
    if (c < d) {
      VectorMask<Float> mask = VectorMath.firstLanes(d - c);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int k = 0; k < n; k++) {
        sum =
            FloatVector.fromArray(SPECIES, value, at[k] + c, mask)
                .fma(FloatVector.broadcast(SPECIES, factor[k]), sum);
      }
      sum.intoArray(out, to + c, mask);
    }
  }

  /** Gradients of one head of one sample; results may be null. */
  void backward(float[] g, int sample, int head, float[] gv, float[] go, float[] gw) {
    int d = width / heads;
    int column = head * d;
    if (gv != null) {
      for (int t = 0; t < tokens; t++) {
        int to = (sample * tokens + t) * width + column;
        Arrays.fill(gv, to, to + d, 0f);
      }
    }
    Corners corners = new Corners();
    float[] dot = new float[4];
    for (int q = 0; q < queries; q++) {
      int row = sample * queries + q;
      int gAt = row * width + column;
      for (int k = 0; k < perHead; k++) {
        int level = k / points;
        int w = (row * heads + head) * perHead + k;
        locate(corners, q, level, w);
        int first = (sample * tokens + starts[level]) * width + column;
        corner(corners, dot, g, gAt, first, d, weights[w], gv);
        float fx = corners.fx;
        float fy = corners.fy;
        if (gw != null) {
          gw[w] =
              (1 - fy) * ((1 - fx) * dot[0] + fx * dot[1]) + fy * ((1 - fx) * dot[2] + fx * dot[3]);
        }
        if (go != null) {
          go[2 * w] = weights[w] * ((1 - fy) * (dot[1] - dot[0]) + fy * (dot[3] - dot[2]));
          go[2 * w + 1] = weights[w] * ((1 - fx) * (dot[2] - dot[0]) + fx * (dot[3] - dot[1]));
        }
      }
    }
  }

  /** dot[i] = ⟨g, corner i⟩, and the corner's share of the gradient. */
  private void corner(
      Corners corners,
      float[] dot,
      float[] g,
      int gAt,
      int first,
      int d,
      float weight,
      float[] gv) {
    for (int i = 0; i < 4; i++) {
      dot[i] = 0;
      if (corners.inside[i]) {
        int at = first + corners.token[i] * width;
        dot[i] = RowKernels.dot(value, at, g, gAt, d);
        if (gv != null) {
          addScaled(g, gAt, weight * corners.weight(i), gv, at, d);
        }
      }
    }
  }

  /** out += factor·x. */
  static void addScaled(float[] x, int xAt, float factor, float[] out, int at, int n) {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int i = 0;
    for (; i <= n - LANES; i += LANES) {
      FloatVector.fromArray(SPECIES, x, xAt + i)
          .fma(f, FloatVector.fromArray(SPECIES, out, at + i))
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = Math.fma(x[xAt + i], factor, out[at + i]);
    }
  }
}
