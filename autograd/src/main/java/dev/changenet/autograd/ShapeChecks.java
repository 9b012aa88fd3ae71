package dev.changenet.autograd;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.Arrays;
import java.util.List;

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

  static void addRepeated(Variable a, Variable b) {
    int ones = 0;
    while (ones < b.shape().rank() && b.dim(ones) == 1) {
      ones++;
    }
    int same = b.shape().rank() - ones;
    boolean fits = same <= a.shape().rank();
    for (int i = 1; fits && i <= same; i++) {
      fits = a.dim(-i) == b.dim(-i);
    }
    require(
        fits,
        "add_repeated",
        "cannot repeat %s over %s, expected its last dimensions",
        b.shape(),
        a.shape());
  }

  private static void steps(String op, int stride, int padding) {
    require(stride > 0, op, "stride must be at least 1, got %d", stride);
    require(padding >= 0, op, "padding must be at least 0, got %d", padding);
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
    int rank = w.shape().rank();
    require(
        rank == 2 || (rank == 4 && w.dim(2) == 1 && w.dim(3) == 1),
        "linear",
        "weight %s is neither [O, I] nor [O, I, 1, 1]",
        w.shape());
    require(
        x.shape().rank() > 0 && w.dim(1) == x.dim(-1),
        "linear",
        "the last dimension of input %s is not the %d features of weight %s",
        x.shape(),
        w.dim(1),
        w.shape());
    bias("linear", b, w.dim(0));
  }

  static void conv2d(Variable x, Variable w, Variable b, int stride, int padding, int groups) {
    rank("conv2d", x, 4);
    rank("conv2d", w, 4);
    require(
        groups == 1 || (groups == w.dim(0) && w.dim(1) == 1),
        "conv2d",
        "groups must be 1 or the number of channels, got %d for weight %s",
        groups,
        w.shape());
    require(
        x.dim(3) == w.dim(1) * groups,
        "conv2d",
        "input [B, H, W, C] %s has %d channels, weight %s with %d groups takes %d",
        x.shape(),
        x.dim(3),
        w.shape(),
        groups,
        w.dim(1) * groups);
    steps("conv2d", stride, padding);
    require(
        x.dim(1) + 2 * padding >= w.dim(2) && x.dim(2) + 2 * padding >= w.dim(3),
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

  static void convTranspose2d(Variable x, Variable w, Variable b, ConvGeometry geometry) {
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
    steps("conv_transpose2d", geometry.stride(), geometry.padding());
    require(
        geometry.transposedOutSize(x.dim(1), w.dim(2)) > 0
            && geometry.transposedOutSize(x.dim(2), w.dim(3)) > 0,
        "conv_transpose2d",
        "nothing is left of input %s with kernel %s and padding %d",
        x.shape(),
        w.shape(),
        geometry.padding());
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

  static void batchNorm(
      Variable x, Variable w, Variable b, Tensor mean, Tensor var, boolean training, int batches) {
    String op = "batch_norm";
    perChannel(op, x, w, b);
    require(
        mean.elements() == x.dim(-1) && var.elements() == x.dim(-1),
        op,
        "input %s has %d channels, running statistics have shapes %s and %s",
        x.shape(),
        x.dim(-1),
        mean.shape(),
        var.shape());
    require(
        batches > 0 && x.shape().rows() % batches == 0,
        op,
        "the rows of %s don't make %d equal batches",
        x.shape(),
        batches);
    if (training && x.shape().rows() / batches < 2) {
      throw new TooFewValuesException(
          "batch_norm: training needs at least 2 values per channel, got 1 from "
              + x.shape()
              + (batches > 1 ? " in " + batches + " batches" : "")
              + "; use a larger batch or larger maps");
    }
  }

  static void residual(Variable x, Variable y, Variable gamma, float[] sampleScale) {
    same("residual", x, y);
    require(
        gamma == null || gamma.shape().elements() == x.dim(-1),
        "residual",
        "%s needs a gamma of [%d], got %s",
        x.shape(),
        x.dim(-1),
        gamma == null ? null : gamma.shape());
    require(
        sampleScale == null || sampleScale.length == x.dim(0),
        "residual",
        "%s needs %d factors, one per sample, got %d",
        x.shape(),
        x.dim(0),
        sampleScale == null ? 0 : sampleScale.length);
  }

  static void repeatBatch(Variable x) {
    require(
        x.shape().rank() > 0 && x.dim(0) == 1,
        "repeat_batch",
        "expected one sample [1, …], got %s",
        x.shape());
  }

  static void interpolate(Variable x, int height, int width) {
    rank("interpolate", x, 4);
    require(
        height > 0 && width > 0,
        "interpolate",
        "cannot resize %s to %d x %d, a map has at least 1 x 1",
        x.shape(),
        height,
        width);
  }

  static void weightedSum(List<Variable> scalars, float[] weights) {
    require(
        !scalars.isEmpty() && scalars.size() == weights.length,
        "weighted_sum",
        "expected as many weights as scalars and at least 1, got %d scalars and %d weights",
        scalars.size(),
        weights.length);
    for (Variable v : scalars) {
      require(
          v.shape().elements() == 1, "weighted_sum", "expected scalars, got shape %s", v.shape());
    }
  }

  private static void dimension(String op, int dim, Variable x) {
    require(
        dim >= 0 && dim < x.shape().rank(),
        op,
        "%s has no dimension %d, expected 0 to %d",
        x.shape(),
        dim,
        x.shape().rank() - 1);
  }

  static void concat(int dim, Variable... parts) {
    require(parts.length > 0, "concat", "nothing to concatenate");
    dimension("concat", dim, parts[0]);
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
    dimension("narrow", dim, x);
    require(
        start >= 0 && length > 0 && length <= x.dim(dim) - start,
        "narrow",
        "%d elements from %d on of dimension %d do not exist in %s",
        length,
        start,
        dim,
        x.shape());
  }

  static void tokens(Variable tokens, int height, int width) {
    rank("tokens_to_map", tokens, 3);
    require(
        height > 0 && width > 0 && tokens.dim(1) == (long) height * width,
        "tokens_to_map",
        "%d tokens do not make a %d x %d map",
        tokens.dim(1),
        height,
        width);
  }

  private static void heads(String op, int channels, int heads) {
    require(
        heads > 0 && channels % heads == 0,
        op,
        "%d channels are not divisible by %d heads",
        channels,
        heads);
  }

  static void selfAttention(Variable qkv, int heads) {
    rank("attention", qkv, 3);
    require(
        qkv.dim(2) % 3 == 0,
        "attention",
        "qkv %s does not hold q, k and v of equal width",
        qkv.shape());
    heads("attention", qkv.dim(2) / 3, heads);
  }

  private static void query(Variable q, int heads) {
    rank("attention", q, 3);
    heads("attention", q.dim(2), heads);
  }

  static void attention(Variable q, Variable k, Variable v, int heads) {
    query(q, heads);
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
    query(q, heads);
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
    heads("channel_gate", q.dim(2), heads);
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
        padding >= 0
            && kernel > padding
            && stride > 0
            && Math.min(x.dim(1), x.dim(2)) + 2 * padding >= kernel,
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
    require(heads > 0 && points > 0, op, "got %d heads and %d points", heads, points);
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

  static void labels(String op, Variable logits, Tensor labels, int ignoreIndex) {
    require(
        labels.dtype() == DType.INT32 && labels.elements() == logits.shape().rows(),
        op,
        "logits %s need %d labels of int32, got %s of shape %s",
        logits.shape(),
        logits.shape().rows(),
        labels.dtype(),
        labels.shape());
    // Those on a GPU would have to be waited for; its kernels ignore what is no class.
    if (labels.device().kind() == Device.Kind.CUDA || DryRun.isOpen()) {
      return;
    }
    int classes = logits.dim(-1);
    int[] values = labels.ints();
    for (int i = 0; i < labels.elements(); i++) {
      int label = values[i];
      if ((label < 0 || label >= classes) && label != ignoreIndex) {
        throw new IllegalArgumentException(
            String.format(
                "%s: label %d at %d is neither a class, 0 to %d, nor %d, which is ignored",
                op, label, i, classes - 1, ignoreIndex));
      }
    }
  }

  static void classWeights(String op, Variable logits, float[] weights) {
    require(
        weights == null || weights.length == logits.dim(-1),
        op,
        "logits %s need %d class weights, got %d",
        logits.shape(),
        logits.dim(-1),
        weights == null ? 0 : weights.length);
  }
}
