package dev.changenet.tensor.cpu;

import dev.changenet.tensor.cpu.SmallProduct.Matrix;
import java.util.Arrays;

/**
 * Attention of one head, forward and backward. Scores exist for {@link #QUERIES} queries at a time
 * in a per-thread buffer, so memory doesn't grow with heads or the square of the token count.
 */
final class TokenAttention {
  /** Queries whose scores are held at once. */
  static final int QUERIES = 64;

  private TokenAttention() {}

  /**
   * Where one head's rows lie: row n is at {@code at + n·row}.
   *
   * @param at index of the head's first element of the sample
   * @param row distance of two tokens
   */
  record Rows(float[] data, int at, int row) {}

  /** packed[n·width + c] = factor·x[first + n, c], with zeros from d to width. */
  private static void pack(
      Rows x, int first, int n, int d, float factor, float[] packed, int at, int width) {
    for (int i = 0; i < n; i++) {
      int to = at + i * width;
      RowKernels.scale(x.data, x.at + (first + i) * x.row, d, factor, packed, to);
      Arrays.fill(packed, to + d, to + width, 0f);
    }
  }

  /** packed[c·width + n] = x[n, c], with zeros from n to width. */
  private static void packTransposed(Rows x, int n, int d, float[] packed, int at, int width) {
    for (int c = 0; c < d; c++) {
      int to = at + c * width;
      int from = x.at + c;
      for (int i = 0; i < n; i++, from += x.row) {
        packed[to + i] = x.data[from];
      }
      Arrays.fill(packed, to + n, to + width, 0f);
    }
  }

  /**
   * Queries first … end − 1 of one head.
   *
   * @param nk number of keys
   * @param d width of the head
   * @param out rows of this head in the output
   * @param lse written at lseAt + query
   */
  static void forward(
      Rows q,
      Rows k,
      Rows v,
      int first,
      int end,
      int nk,
      int d,
      float scale,
      Rows out,
      float[] lse,
      int lseAt) {
    int dp = VectorMath.roundUp(d);
    int np = VectorMath.roundUp(nk);
    int valuesAt = d * np;
    int queriesAt = valuesAt + nk * dp;
    int scoresAt = queriesAt + QUERIES * dp;
    int sumsAt = scoresAt + QUERIES * np;
    float[] s = Scratch.floats(Scratch.Slot.ATTENTION, sumsAt + QUERIES * dp);
    packTransposed(k, nk, d, s, 0, np);
    pack(v, 0, nk, d, 1, s, valuesAt, dp);
    Matrix keys = new Matrix(s, 0, np, 1);
    Matrix values = new Matrix(s, valuesAt, dp, 1);
    Matrix queries = new Matrix(s, queriesAt, dp, 1);
    Matrix scores = new Matrix(s, scoresAt, np, 1);
    Matrix sums = new Matrix(s, sumsAt, dp, 1);
    for (int i = first; i < end; i += QUERIES) {
      int rows = Math.min(QUERIES, end - i);
      pack(q, i, rows, d, scale, s, queriesAt, dp);
      SmallProduct.multiply(queries, keys, scores, rows, np, d, false);
      for (int r = 0; r < rows; r++) {
        lse[lseAt + i + r] = exponentials(s, scoresAt + r * np, nk);
      }
      SmallProduct.multiply(scores, values, sums, rows, dp, nk, false);
      for (int r = 0; r < rows; r++) {
        System.arraycopy(s, sumsAt + r * dp, out.data, out.at + (i + r) * out.row, d);
      }
    }
  }

  /** Replaces a row of scores by its softmax; returns the log of the sum of exponentials. */
  private static float exponentials(float[] s, int at, int n) {
    float max = RowKernels.max(s, at, n);
    float sum = RowKernels.exp(s, at, n, max, s, at);
    RowKernels.scale(s, at, n, 1 / sum, s, at);
    return (float) (max + Math.log(sum));
  }

  /** Gradients of one head; all tensors are given by this head's rows. */
  static void backward(
      Rows gradOut,
      Rows q,
      Rows k,
      Rows v,
      int nq,
      int nk,
      int d,
      float scale,
      Rows out,
      float[] lse,
      int lseAt,
      Rows gradQ,
      Rows gradK,
      Rows gradV) {
    int dp = VectorMath.roundUp(d);
    int np = VectorMath.roundUp(nk);
    int vtAt = d * np;
    int kAt = vtAt + d * np;
    int gkAt = kAt + nk * dp;
    int gvAt = gkAt + nk * dp;
    int qAt = gvAt + nk * dp;
    int goAt = qAt + QUERIES * dp;
    int gqAt = goAt + QUERIES * dp;
    int pAt = gqAt + QUERIES * dp;
    int dsAt = pAt + QUERIES * np;
    float[] s = Scratch.floats(Scratch.Slot.ATTENTION, dsAt + QUERIES * np);
    packTransposed(k, nk, d, s, 0, np);
    packTransposed(v, nk, d, s, vtAt, np);
    pack(k, 0, nk, d, 1, s, kAt, dp);
    Matrix keysTransposed = new Matrix(s, 0, np, 1);
    Matrix valuesTransposed = new Matrix(s, vtAt, np, 1);
    Matrix keys = new Matrix(s, kAt, dp, 1);
    Matrix keyGradients = new Matrix(s, gkAt, dp, 1);
    Matrix valueGradients = new Matrix(s, gvAt, dp, 1);
    Matrix queries = new Matrix(s, qAt, dp, 1);
    Matrix outGradients = new Matrix(s, goAt, dp, 1);
    Matrix queryGradients = new Matrix(s, gqAt, dp, 1);
    Matrix p = new Matrix(s, pAt, np, 1);
    Matrix pTransposed = new Matrix(s, pAt, 1, np);
    Matrix ds = new Matrix(s, dsAt, np, 1);
    Matrix dsTransposed = new Matrix(s, dsAt, 1, np);
    for (int i = 0; i < nq; i += QUERIES) {
      int rows = Math.min(QUERIES, nq - i);
      pack(q, i, rows, d, scale, s, qAt, dp);
      pack(gradOut, i, rows, d, 1, s, goAt, dp);
      SmallProduct.multiply(queries, keysTransposed, p, rows, np, d, false);
      SmallProduct.multiply(outGradients, valuesTransposed, ds, rows, np, d, false);
      for (int r = 0; r < rows; r++) {
        int row = pAt + r * np;
        RowKernels.exp(s, row, nk, lse[lseAt + i + r], s, row);
        float dot = RowKernels.dot(s, goAt + r * dp, out.data, out.at + (i + r) * out.row, d);
        int gradient = dsAt + r * np;
        RowKernels.softmaxGradient(s, row, s, gradient, nk, dot, s, gradient);
      }
      SmallProduct.multiply(pTransposed, outGradients, valueGradients, nk, dp, rows, i > 0);
      SmallProduct.multiply(dsTransposed, queries, keyGradients, nk, dp, rows, i > 0);
      SmallProduct.multiply(ds, keys, queryGradients, rows, dp, nk, false);
      unpack(s, gqAt, dp, rows, d, scale, gradQ, i);
    }
    unpack(s, gkAt, dp, nk, d, 1, gradK, 0);
    unpack(s, gvAt, dp, nk, d, 1, gradV, 0);
  }

  private static void unpack(
      float[] packed, int at, int width, int n, int d, float factor, Rows x, int first) {
    for (int i = 0; i < n; i++) {
      RowKernels.scale(packed, at + i * width, d, factor, x.data, x.at + (first + i) * x.row);
    }
  }
}
