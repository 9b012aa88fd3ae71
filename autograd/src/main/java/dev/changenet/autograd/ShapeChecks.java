package dev.changenet.autograd;

import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.Arrays;

/** Argument checks of {@link Functional}: each message names the operation and the shapes. */
final class ShapeChecks {
  private ShapeChecks() {}

  private static void require(boolean ok, String op, String format, Object... args) {
    if (!ok) {
      throw new IllegalArgumentException(op + ": " + String.format(format, args));
    }
  }

  static void rank(String op, Variable x, int rank) {
    require(x.shape().rank() == rank, op, "expected %d dimensions, got shape %s", rank, x.shape());
  }

  static void same(String op, Variable a, Variable b) {
    require(a.shape().equals(b.shape()), op, "shapes differ: %s and %s", a.shape(), b.shape());
  }

  static void repeats(String op, Variable a, Variable b) {
    long n = b.shape().elements();
    require(
        n > 0 && a.shape().elements() % n == 0,
        op,
        "cannot repeat %s over %s",
        b.shape(),
        a.shape());
  }

  private static void bias(String op, Variable b, int out) {
    require(
        b == null || b.shape().elements() == out,
        op,
        "bias has shape %s, expected [%d]",
        b == null ? null : b.shape(),
        out);
  }

  static void linear(Variable x, Variable w, Variable b) {
    require(
        w.shape().elements() == (long) w.dim(0) * x.dim(-1),
        "linear",
        "input %s has %d features, weight %s",
        x.shape(),
        x.dim(-1),
        w.shape());
    bias("linear", b, w.dim(0));
  }

  static void conv2d(Variable x, Variable w, Variable b, int stride, int padding, int groups) {
    rank("conv2d", x, 4);
    rank("conv2d", w, 4);
    require(
        x.dim(3) == w.dim(1) * groups,
        "conv2d",
        "input [B, H, W, C] %s has %d channels, weight %s with %d groups takes %d",
        x.shape(),
        x.dim(3),
        w.shape(),
        groups,
        w.dim(1) * groups);
    require(
        groups == 1 || (groups == w.dim(0) && w.dim(1) == 1),
        "conv2d",
        "groups must be 1 or the number of channels, got %d for weight %s",
        groups,
        w.shape());
    require(
        x.dim(1) + 2 * padding >= w.dim(2) && x.dim(2) + 2 * padding >= w.dim(3) && stride > 0,
        "conv2d",
        "kernel %s is larger than the padded input %s (padding %d)",
        w.shape(),
        x.shape(),
        padding);
    bias("conv2d", b, w.dim(0));
  }

  static void conv2dPair(Variable x, Variable w1, Variable b1, Variable w2) {
    conv2d(x, w1, b1, 1, 1, 1);
    require(
        w1.dim(2) == 3
            && w1.dim(3) == 3
            && w2.shape().rank() == 4
            && w2.dim(2) == 3
            && w2.dim(3) == 3,
        "conv2d_pair",
        "expected two 3x3 kernels, got weights %s and %s",
        w1.shape(),
        w2.shape());
    require(
        w2.dim(1) == w1.dim(0),
        "conv2d_pair",
        "the first weight %s makes %d channels, the second %s takes %d",
        w1.shape(),
        w1.dim(0),
        w2.shape(),
        w2.dim(1));
  }

  static void convTranspose2d(Variable x, Variable w, Variable b) {
    rank("conv_transpose2d", x, 4);
    rank("conv_transpose2d", w, 4);
    require(
        x.dim(3) == w.dim(0),
        "conv_transpose2d",
        "input %s has %d channels, weight %s takes %d",
        x.shape(),
        x.dim(3),
        w.shape(),
        w.dim(0));
    bias("conv_transpose2d", b, w.dim(1));
  }

  static void perChannel(String op, Variable x, Variable w, Variable b) {
    require(
        w.shape().elements() == x.dim(-1) && b.shape().elements() == x.dim(-1),
        op,
        "input %s, weight %s, bias %s: expected one weight and bias per channel",
        x.shape(),
        w.shape(),
        b.shape());
  }

  static void concat(int dim, Variable... parts) {
    require(parts.length > 0, "concat", "nothing to concatenate");
    for (Variable p : parts) {
      require(
          p.shape().rank() == parts[0].shape().rank(),
          "concat",
          "shapes %s and %s have different ranks",
          parts[0].shape(),
          p.shape());
      for (int i = 0; i < p.shape().rank(); i++) {
        require(
            i == dim || p.dim(i) == parts[0].dim(i),
            "concat",
            "shapes %s and %s differ outside dimension %d",
            parts[0].shape(),
            p.shape(),
            dim);
      }
    }
  }

  static void narrow(Variable x, int dim, int start, int length) {
    require(
        dim < x.shape().rank() && start >= 0 && length > 0 && start + length <= x.dim(dim),
        "narrow",
        "elements %d to %d of dimension %d do not exist in %s",
        start,
        start + length - 1,
        dim,
        x.shape());
  }

  static void tokens(Variable tokens, int height, int width) {
    rank("tokens_to_map", tokens, 3);
    require(
        tokens.dim(1) == height * width,
        "tokens_to_map",
        "%d tokens do not make a %d x %d map",
        tokens.dim(1),
        height,
        width);
  }

  static void attention(Variable q, int heads) {
    rank("attention", q, 3);
    require(
        q.dim(2) % heads == 0,
        "attention",
        "%d channels are not divisible by %d heads",
        q.dim(2),
        heads);
  }

  static void attention(Variable q, Variable k, Variable v, int heads) {
    attention(q, heads);
    require(
        k.shape().rank() == 3 && k.dim(0) == q.dim(0) && k.dim(2) == q.dim(2),
        "attention",
        "k must be [%d, tokens, %d] for q %s, got %s",
        q.dim(0),
        q.dim(2),
        q.shape(),
        k.shape());
    same("attention", k, v);
  }

  static void attention(Variable q, Variable kv, int heads) {
    attention(q, heads);
    require(
        kv.shape().rank() == 3 && kv.dim(0) == q.dim(0) && kv.dim(2) == 2 * q.dim(2),
        "attention",
        "kv must be [%d, tokens, %d] for q %s, got %s",
        q.dim(0),
        2 * q.dim(2),
        q.shape(),
        kv.shape());
  }

  static void channelGate(Variable q, Variable x, Variable v, Variable temperature, int heads) {
    rank("channel_gate", q, 3);
    same("channel_gate", q, x);
    same("channel_gate", q, v);
    require(
        q.dim(2) % heads == 0,
        "channel_gate",
        "%d channels are not divisible by %d heads",
        q.dim(2),
        heads);
    require(
        temperature.shape().elements() == heads,
        "channel_gate",
        "expected a temperature for each of %d heads, got %s",
        heads,
        temperature.shape());
  }

  static void divisible(String op, Variable x, int group) {
    require(
        group > 0 && x.dim(-1) % group == 0,
        op,
        "the last dimension of %s is not divisible by %d",
        x.shape(),
        group);
  }

  static void perSample(Variable x, Variable y) {
    require(
        y.shape().rank() == 2 && y.dim(0) == x.dim(0) && y.dim(1) == x.dim(-1),
        "add_per_sample",
        "%s needs [%d, %d] to add, got %s",
        x.shape(),
        x.dim(0),
        x.dim(-1),
        y.shape());
  }

  static void reshape(Variable x, int... shape) {
    require(
        Shape.of(shape).elements() == x.shape().elements(),
        "reshape",
        "%s does not fit %s",
        x.shape(),
        Arrays.toString(shape));
  }

  static void maxPool2d(Variable x, int kernel, int stride, int padding) {
    rank("max_pool2d", x, 4);
    require(
        kernel > padding && stride > 0 && Math.min(x.dim(1), x.dim(2)) + 2 * padding >= kernel,
        "max_pool2d",
        "kernel %d, stride %d and padding %d do not fit the map %s",
        kernel,
        stride,
        padding,
        x.shape());
  }

  static void sampleTable(Variable table, Tensor positions, Tensor keep) {
    rank("sample_table", table, 3);
    require(
        positions.rank() == 3 && positions.dim(2) == 2 && keep.elements() == positions.dim(0),
        "sample_table",
        "expected positions [B, N, 2] and keep [B], got %s and %s",
        positions.shape(),
        keep.shape());
  }

  static void deformable(
      Variable value,
      Levels levels,
      Variable reference,
      Variable offsets,
      Variable weights,
      int heads,
      int points) {
    String op = "deformable_attention";
    rank(op, value, 3);
    rank(op, offsets, 3);
    require(
        value.dim(1) == levels.tokens() && value.dim(2) % heads == 0,
        op,
        "value %s needs %d tokens and channels divisible by %d heads",
        value.shape(),
        levels.tokens(),
        heads);
    int each = heads * levels.count() * points;
    Shape expected = Shape.of(value.dim(0), offsets.dim(1), each);
    require(
        weights.shape().equals(expected)
            && offsets.shape().equals(Shape.of(expected.dim(0), expected.dim(1), 2 * each))
            && reference.shape().equals(Shape.of(expected.dim(1), 2)),
        op,
        "weights %s, offsets %s and reference points %s do not fit together, expected weights %s",
        weights.shape(),
        offsets.shape(),
        reference.shape(),
        expected);
  }

  static void labels(String op, Variable logits, Tensor labels) {
    require(
        labels.elements() == logits.shape().rows(),
        op,
        "logits %s need %d labels, got shape %s",
        logits.shape(),
        logits.shape().rows(),
        labels.shape());
  }
}
