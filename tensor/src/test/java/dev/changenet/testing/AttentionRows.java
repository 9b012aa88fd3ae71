package dev.changenet.testing;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Attention;
import dev.changenet.tensor.backend.Attention.Heads;
import java.util.Arrays;

/** Op table rows of {@link Attention}. */
final class AttentionRows {
  /** Batch, queries, keys, heads, head width. */
  private static final int[][] ATTENTION = {
    {0, 5, 7, 2, 8},
    {1, 1, 1, 1, 1},
    {2, 5, 5, 3, 8},
    {1, 17, 17, 2, 48},
    {1, 65, 65, 4, 16},
    {2, 1, 50, 2, 32},
    {1, 33, 7, 1, 24},
    {1, 131, 131, 2, 48},
    {1, 257, 257, 1, 64}
  };

  /** Batch, tokens, heads, head width. */
  private static final int[][] GATE = {
    {0, 7, 2, 8},
    {1, 1, 1, 1},
    {2, 7, 2, 8},
    {1, 16, 4, 48},
    {3, 49, 3, 17},
    {1, 257, 2, 24},
    {2, 600, 4, 16}
  };

  private AttentionRows() {}

  private static Attention ops(OpCall c) {
    return c.backend().attention();
  }

  static void addTo(OpTable.Rows rows) {
    for (int[] s : ATTENTION) {
      addSeparate(rows, s[0], s[1], s[2], s[3], s[4]);
      addPacked(rows, s[0], s[1], s[2], s[3], s[4]);
    }
    for (int[] s : GATE) {
      addGate(rows, s[0], s[1], s[2], s[3]);
    }
    addSoftmax(rows);
  }

  private static float scale(int d) {
    return (float) (1 / Math.sqrt(d));
  }

  private static void addSeparate(OpTable.Rows rows, int b, int nq, int nk, int heads, int d) {
    int ch = heads * d;
    String what = " " + b + "x" + nq + "x" + nk + " heads " + heads + "x" + d;
    rows.add(
        "attention.attention" + what,
        c ->
            ops(c)
                .attention(
                    new Heads(c.uniform(0, 2, b, nq, ch), 0),
                    new Heads(c.uniform(0, 2, b, nk, ch), 0),
                    new Heads(c.random(b, nk, ch), 0),
                    heads,
                    scale(d),
                    c.output("out", b, nq, ch),
                    c.float32().output("lse", b, heads, nq)));
    rows.add(
        "attention.attentionBackward" + what,
        c -> {
          Heads q = new Heads(c.uniform(0, 2, b, nq, ch), 0);
          Heads k = new Heads(c.uniform(0, 2, b, nk, ch), 0);
          Heads v = new Heads(c.random(b, nk, ch), 0);
          Tensor out = c.output("out", b, nq, ch);
          Tensor lse = c.float32().output("lse", b, heads, nq);
          ops(c).attention(q, k, v, heads, scale(d), out, lse);
          ops(c)
              .attentionBackward(
                  c.random(b, nq, ch),
                  q,
                  k,
                  v,
                  heads,
                  scale(d),
                  out,
                  lse,
                  new Heads(c.output("gradQ", b, nq, ch), 0),
                  new Heads(c.output("gradK", b, nk, ch), 0),
                  new Heads(c.output("gradV", b, nk, ch), 0));
        });
  }

  /** Keys and values in one tensor; the columns in front of and behind a head stay untouched. */
  private static void addPacked(OpTable.Rows rows, int b, int nq, int nk, int heads, int d) {
    int ch = heads * d;
    rows.add(
        "attention.attentionBackward packed "
            + b
            + "x"
            + nq
            + "x"
            + nk
            + " heads "
            + heads
            + "x"
            + d,
        c -> {
          Heads q = new Heads(c.random(b, nq, ch + 5), 3);
          Tensor kv = c.random(b, nk, 2 * ch);
          Heads k = new Heads(kv, 0);
          Heads v = new Heads(kv, ch);
          Tensor out = c.output("out", b, nq, ch);
          Tensor lse = c.float32().output("lse", b, heads, nq);
          ops(c).attention(q, k, v, heads, scale(d), out, lse);
          Tensor gradQ = c.inOut("gradQ", c.random(b, nq, ch + 5));
          Tensor gradKv = c.output("gradKv", b, nk, 2 * ch);
          ops(c)
              .attentionBackward(
                  c.random(b, nq, ch),
                  q,
                  k,
                  v,
                  heads,
                  scale(d),
                  out,
                  lse,
                  new Heads(gradQ, 3),
                  new Heads(gradKv, 0),
                  new Heads(gradKv, ch));
        });
  }

  private static void addGate(OpTable.Rows rows, int b, int n, int heads, int d) {
    int ch = heads * d;
    String what = " " + b + "x" + n + " heads " + heads + "x" + d;
    rows.add(
        "attention.channelGate" + what,
        c ->
            ops(c)
                .channelGate(
                    c.uniform(0, 3, b, n, ch),
                    c.uniform(0, 3, b, n, ch),
                    c.random(b, n, ch),
                    c.float32().uniform(1, 0.2, heads, 1, 1),
                    heads,
                    c.output("out", b, n, ch),
                    c.float32().output("sigmoid", b, ch)));
    rows.add(
        "attention.channelGateBackward" + what,
        c -> {
          Tensor q = c.uniform(0, 3, b, n, ch);
          Tensor x = c.uniform(0, 3, b, n, ch);
          Tensor v = c.random(b, n, ch);
          Tensor temperature = c.float32().uniform(1, 0.2, heads, 1, 1);
          Tensor sigmoid = c.float32().output("sigmoid", b, ch);
          ops(c).channelGate(q, x, v, temperature, heads, c.output("out", b, n, ch), sigmoid);
          ops(c)
              .channelGateBackward(
                  c.random(b, n, ch),
                  q,
                  x,
                  v,
                  temperature,
                  heads,
                  sigmoid,
                  c.output("gradQ", b, n, ch),
                  c.output("gradX", b, n, ch),
                  c.output("gradV", b, n, ch),
                  c.float32().output("gradTemperature", heads, 1, 1));
        });
  }

  private static void addSoftmax(OpTable.Rows rows) {
    int[][] sizes = {{0, 5}, {1, 1}, {5, 2}, {3, 7}, {9, 16}, {4, 2, 17}, {33, 31}, {2, 1009}};
    for (int[] s : sizes) {
      String size = " " + Arrays.toString(s);
      rows.add(
          "attention.softmax" + size, c -> ops(c).softmax(c.uniform(0, 8, s), c.output("out", s)));
      rows.add(
          "attention.softmax out=x" + size,
          c -> {
            Tensor x = c.inOut("x", c.uniform(50, 8, s));
            ops(c).softmax(x, x);
          });
      rows.add(
          "attention.softmaxBackward" + size,
          c -> {
            Tensor p = c.output("p", s);
            ops(c).softmax(c.uniform(0, 4, s), p);
            ops(c).softmaxBackward(p, c.random(s), c.output("gradX", s));
          });
      rows.add(
          "attention.softmaxBackward gradX=gradOut" + size,
          c -> {
            Tensor g = c.inOut("g", c.random(s));
            ops(c).softmaxBackward(c.uniform(0.5, 0.5, s), g, g);
          });
    }
  }
}
