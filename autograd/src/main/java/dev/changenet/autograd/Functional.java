package dev.changenet.autograd;

import dev.changenet.autograd.function.ActivationFunction;
import dev.changenet.autograd.function.AddFunction;
import dev.changenet.autograd.function.AddPerSampleFunction;
import dev.changenet.autograd.function.AddRepeatedFunction;
import dev.changenet.autograd.function.AttachIdleFunction;
import dev.changenet.autograd.function.AttentionFunction;
import dev.changenet.autograd.function.BatchNormFunction;
import dev.changenet.autograd.function.CastFunction;
import dev.changenet.autograd.function.ChannelGateFunction;
import dev.changenet.autograd.function.ConcatFunction;
import dev.changenet.autograd.function.Conv2dFunction;
import dev.changenet.autograd.function.Conv2dPairFunction;
import dev.changenet.autograd.function.ConvTranspose2dFunction;
import dev.changenet.autograd.function.CrossEntropyFunction;
import dev.changenet.autograd.function.DeformableAttentionFunction;
import dev.changenet.autograd.function.DiceFunction;
import dev.changenet.autograd.function.FocalFunction;
import dev.changenet.autograd.function.LayerNormFunction;
import dev.changenet.autograd.function.LinearFunction;
import dev.changenet.autograd.function.MapToTokensFunction;
import dev.changenet.autograd.function.MaxPool2dFunction;
import dev.changenet.autograd.function.MmIouFunction;
import dev.changenet.autograd.function.NarrowFunction;
import dev.changenet.autograd.function.RepeatBatchFunction;
import dev.changenet.autograd.function.ReshapeFunction;
import dev.changenet.autograd.function.ResidualFunction;
import dev.changenet.autograd.function.ResizeFunction;
import dev.changenet.autograd.function.SampleTableFunction;
import dev.changenet.autograd.function.ScaleFunction;
import dev.changenet.autograd.function.SoftmaxFunction;
import dev.changenet.autograd.function.SwigluFunction;
import dev.changenet.autograd.function.TokensToMapFunction;
import dev.changenet.autograd.function.WeightedSumFunction;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The operations on {@link Variable}s, named as in {@code torch.nn.functional}. Maps are [B, H, W,
 * C], tokens [B, N, C]; dimensions are counted from 0 at the front. Shapes, attributes and labels
 * are checked here, before any kernel runs: every operation throws an {@link
 * IllegalArgumentException} that names it and what it got.
 */
public final class Functional {
  private Functional() {}

  /** x·wᵀ + b. x [M…, I], w [O, I] or [O, I, 1, 1], b [O] or null → [M…, O]. */
  public static Variable linear(Variable x, Variable w, Variable b) {
    ShapeChecks.linear(x, w, b);
    return new LinearFunction().apply(x, w, b);
  }

  /**
   * 2-d cross-correlation. x [B, H, W, I], w [O, I/groups, kh, kw], b [O] or null → [B, H', W', O]
   * with H' = ⌊(H + 2·padding − kh) / stride⌋ + 1 and W' alike.
   *
   * @param groups 1, or I = O for a depthwise convolution, w [O, 1, kh, kw]; others are refused
   */
  public static Variable conv2d(
      Variable x, Variable w, Variable b, int stride, int padding, int groups) {
    ShapeChecks.conv2d(x, w, b, stride, padding, groups);
    return new Conv2dFunction(new ConvGeometry(stride, padding, groups), false).apply(x, w, b);
  }

  /** {@link #conv2d}, bias and ReLU in one pass, for groups = 1. */
  public static Variable conv2dRelu(Variable x, Variable w, Variable b, int stride, int padding) {
    ShapeChecks.conv2d(x, w, b, stride, padding, 1);
    return new Conv2dFunction(new ConvGeometry(stride, padding, 1), true).apply(x, w, b);
  }

  /**
   * Two 3×3 convolutions with stride 1 and padding 1 in a row, the second without bias. Equals two
   * calls of {@link #conv2d} up to rounding; where the result has few channels, much less work. x
   * [B, H, W, I], w1 [M, I, 3, 3], b1 [M] or null, w2 [O, M, 3, 3] → [B, H, W, O].
   */
  public static Variable conv2dPair(Variable x, Variable w1, Variable b1, Variable w2) {
    ShapeChecks.conv2dPair(x, w1, b1, w2);
    return new Conv2dPairFunction().apply(x, w1, b1, w2);
  }

  /**
   * Transposed convolution. x [B, H, W, I], w [I, O, kh, kw], b [O] or null → [B, H', W', O] with
   * H' = (H − 1)·stride − 2·padding + kh and W' alike.
   */
  public static Variable convTranspose2d(
      Variable x, Variable w, Variable b, int stride, int padding) {
    ConvGeometry geometry = new ConvGeometry(stride, padding, 1);
    ShapeChecks.convTranspose2d(x, w, b, geometry);
    return new ConvTranspose2dFunction(geometry).apply(x, w, b);
  }

  /**
   * Layer norm over the last dimension. x [M…, C], w and b [C] → x's shape.
   *
   * @param unbiased divide the variance by C − 1 instead of C
   */
  public static Variable layerNorm(
      Variable x, Variable w, Variable b, double eps, boolean unbiased) {
    ShapeChecks.perChannel("layer_norm", x, w, b);
    return new LayerNormFunction(eps, unbiased).apply(x, w, b);
  }

  /**
   * Batch norm per channel; updates the running statistics in training mode. x [M…, C]; w, b and
   * the statistics [C] → x's shape.
   *
   * @throws TooFewValuesException in training, if a channel has a single value, which has no
   *     variance
   */
  public static Variable batchNorm(
      Variable x,
      Variable w,
      Variable b,
      Tensor runningMean,
      Tensor runningVar,
      double eps,
      double momentum,
      boolean training) {
    return batchNorm(x, w, b, runningMean, runningVar, eps, momentum, training, 1);
  }

  /**
   * {@link #batchNorm} of several batches at once.
   *
   * @param batches batches of equal size that x holds one after the other; in training each is
   *     normalised by its own statistics, and they update the running ones in turn
   * @throws TooFewValuesException in training, if a channel of a batch has a single value
   */
  public static Variable batchNorm(
      Variable x,
      Variable w,
      Variable b,
      Tensor runningMean,
      Tensor runningVar,
      double eps,
      double momentum,
      boolean training,
      int batches) {
    ShapeChecks.batchNorm(x, w, b, runningMean, runningVar, training, batches);
    return new BatchNormFunction(runningMean, runningVar, eps, momentum, training, batches)
        .apply(x, w, b);
  }

  /** max(x, 0). */
  public static Variable relu(Variable x) {
    return new ActivationFunction(Activation.RELU).apply(x);
  }

  /** Exact GELU, 0.5·x·(1 + erf(x/√2)). */
  public static Variable gelu(Variable x) {
    return new ActivationFunction(Activation.GELU).apply(x);
  }

  /** x·sigmoid(x). */
  public static Variable silu(Variable x) {
    return new ActivationFunction(Activation.SILU).apply(x);
  }

  /** silu(x[…, :F])·x[…, F:]. x [M…, 2F] → [M…, F]. */
  public static Variable swiglu(Variable x) {
    ShapeChecks.divisible("swiglu", x, 2);
    return new SwigluFunction().apply(x);
  }

  /** Softmax over runs of {@code group} elements of the last dimension. */
  public static Variable softmax(Variable x, int group) {
    ShapeChecks.divisible("softmax", x, group);
    return new SoftmaxFunction(group).apply(x);
  }

  /** a + alpha·b. */
  public static Variable add(Variable a, Variable b, float alpha) {
    ShapeChecks.same("add", a, b);
    return new AddFunction(alpha).apply(sameType(a, b));
  }

  /** a + b. */
  public static Variable add(Variable a, Variable b) {
    return add(a, b, 1f);
  }

  /** a [R…, n…] + b [n…], b repeated along a's leading dimensions; b may have 1s in front. */
  public static Variable addRepeated(Variable a, Variable b) {
    ShapeChecks.addRepeated(a, b);
    return new AddRepeatedFunction().apply(a, b);
  }

  /** x [B, …, C] + y [B, C], a vector per sample. */
  public static Variable addPerSample(Variable x, Variable y) {
    ShapeChecks.perSample(x, y);
    return new AddPerSampleFunction().apply(x, y);
  }

  /** x in another floating type; x itself when it has that type. */
  public static Variable cast(Variable x, DType type) {
    return x.data().dtype() == type ? x : new CastFunction(type).apply(x);
  }

  /** alpha·x. */
  public static Variable scale(Variable x, float alpha) {
    return new ScaleFunction(alpha).apply(x);
  }

  /**
   * x + sampleScale[b]·gamma[c]·y. x and y [B, …, C].
   *
   * @param gamma [C] or null
   * @param sampleScale one factor per sample, or null
   */
  public static Variable residual(Variable x, Variable y, Variable gamma, float[] sampleScale) {
    ShapeChecks.residual(x, y, gamma, sampleScale);
    return new ResidualFunction(sampleScale).apply(x, y, gamma);
  }

  /** Concatenation along {@code dim}. */
  public static Variable concat(int dim, Variable... parts) {
    ShapeChecks.concat(dim, parts);
    return new ConcatFunction(dim).apply(sameType(parts));
  }

  /** In mixed precision parameters meet activations of a shorter type: that one counts. */
  private static Variable[] sameType(Variable... parts) {
    DType type = parts[0].data().dtype();
    for (Variable p : parts) {
      type = p.data().dtype().isHalf() ? p.data().dtype() : type;
    }
    Variable[] cast = new Variable[parts.length];
    for (int i = 0; i < parts.length; i++) {
      cast[i] = cast(parts[i], type);
    }
    return cast;
  }

  /** Elements start … start + length − 1 along {@code dim}. */
  public static Variable narrow(Variable x, int dim, int start, int length) {
    ShapeChecks.narrow(x, dim, start, length);
    return new NarrowFunction(dim, start, length).apply(x);
  }

  /** [B, H, W, C] → [B, H·W, C]; no data moves. */
  public static Variable mapToTokens(Variable map) {
    ShapeChecks.rank("map_to_tokens", map, 4);
    return new MapToTokensFunction().apply(map);
  }

  /** [B, H·W, C] → [B, H, W, C]; no data moves. */
  public static Variable tokensToMap(Variable tokens, int height, int width) {
    ShapeChecks.tokens(tokens, height, width);
    return new TokensToMapFunction(height, width).apply(tokens);
  }

  /** The same elements under another shape; no data moves. */
  public static Variable reshape(Variable x, int... shape) {
    ShapeChecks.reshape(x, shape);
    return new ReshapeFunction(shape).apply(x);
  }

  /** [1, …] → [B, …] with the batch size of {@code like}. */
  public static Variable repeatBatch(Variable x, Variable like) {
    ShapeChecks.repeatBatch(x);
    return new RepeatBatchFunction().apply(x, like);
  }

  /** Token attention with separate q [B, Nq, C], k and v [B, Nk, C] → [B, Nq, C]. */
  public static Variable attention(Variable q, Variable k, Variable v, int heads) {
    ShapeChecks.attention(q, k, v, heads);
    return new AttentionFunction(q.dim(2), heads, 0, 0, 0).apply(q, k, v);
  }

  /** Token attention with q [B, Nq, C] and a packed kv [B, Nk, 2C], k first → [B, Nq, C]. */
  public static Variable attention(Variable q, Variable kv, int heads) {
    ShapeChecks.attention(q, kv, heads);
    return new AttentionFunction(q.dim(2), heads, 0, 0, q.dim(2)).apply(q, kv, null);
  }

  /** Token attention of a packed qkv [B, N, 3C], q first, then k → [B, N, C]. */
  public static Variable selfAttention(Variable qkv, int heads) {
    ShapeChecks.selfAttention(qkv, heads);
    int c = qkv.dim(2) / 3;
    return new AttentionFunction(c, heads, 0, c, 2 * c).apply(qkv, null, null);
  }

  /**
   * Multi-scale deformable attention → [B, Nq, Hd·d]: see {@link
   * dev.changenet.tensor.backend.Sampling#deformableAttention}.
   *
   * @param value [B, Nv, Hd·d]
   * @param reference [Nq, 2]
   * @param offsets [B, Nq, Hd·L·P·2]
   * @param weights [B, Nq, Hd·L·P], after the softmax
   */
  public static Variable deformableAttention(
      Variable value,
      Levels levels,
      Variable reference,
      Variable offsets,
      Variable weights,
      int heads,
      int points) {
    ShapeChecks.deformable(value, levels, reference, offsets, weights, heads, points);
    return new DeformableAttentionFunction(levels, heads, points)
        .apply(value, offsets, weights, reference);
  }

  /**
   * FAN channel gate: see {@link dev.changenet.tensor.backend.Attention#channelGate}. q, x and v
   * [B, N, C], temperature of as many elements as heads → [B, N, C].
   */
  public static Variable channelGate(
      Variable q, Variable x, Variable v, Variable temperature, int heads) {
    ShapeChecks.channelGate(q, x, v, temperature, heads);
    return new ChannelGateFunction(heads).apply(q, x, v, temperature);
  }

  /**
   * Bilinear resize by a factor, as {@code interpolate(scale_factor=…)}. x [B, H, W, C] → [B,
   * ⌊H·factor⌋, ⌊W·factor⌋, C].
   */
  public static Variable interpolateBilinear(Variable x, double factor, boolean alignCorners) {
    ShapeChecks.rank("interpolate", x, 4);
    int h = (int) Math.floor(x.dim(1) * factor);
    int w = (int) Math.floor(x.dim(2) * factor);
    ShapeChecks.interpolate(x, h, w);
    return new ResizeFunction(
            new ResizeGeometry(ResizeGeometry.Mode.BILINEAR, alignCorners, 1 / factor, 1 / factor),
            h,
            w)
        .apply(x);
  }

  /** Resize to a size, as {@code interpolate(size=…)}. x [B, H, W, C] → [B, height, width, C]. */
  public static Variable interpolate(
      Variable x, ResizeGeometry.Mode mode, int height, int width, boolean alignCorners) {
    ShapeChecks.interpolate(x, height, width);
    return new ResizeFunction(
            new ResizeGeometry(
                mode, alignCorners, (double) x.dim(1) / height, (double) x.dim(2) / width),
            height,
            width)
        .apply(x);
  }

  /**
   * Maximum over windows of a map [B, H, W, C]; padding never wins. The result has the size of a
   * {@link #conv2d} with that kernel.
   */
  public static Variable maxPool2d(Variable x, int kernel, int stride, int padding) {
    ShapeChecks.maxPool2d(x, kernel, stride, padding);
    return new MaxPool2dFunction(kernel, stride, padding).apply(x);
  }

  /**
   * Bilinear, corner-aligned reads of a table: see {@link
   * dev.changenet.tensor.backend.Sampling#sampleTable}.
   *
   * @param table [Ht, Wt, C]
   * @param positions [B, N, 2], 0 … 1
   * @param keep [B], 1 or 0
   */
  public static Variable sampleTable(Variable table, Tensor positions, Tensor keep) {
    ShapeChecks.sampleTable(table, positions, keep);
    return new SampleTableFunction().apply(table, new Variable(positions), new Variable(keep));
  }

  /**
   * body(x), without keeping the activations: the backward pass runs the body again. Both runs must
   * compute the same, so the body draws no random numbers, and what it does once per step depends
   * on {@link #isRunningAgain}.
   *
   * @param parameters those that the body reads
   */
  public static Variable checkpoint(
      UnaryOperator<Variable> body, Variable x, List<? extends Variable> parameters) {
    Variable[] in = new Variable[parameters.size() + 1];
    in[0] = x;
    for (int i = 0; i < parameters.size(); i++) {
      in[i + 1] = parameters.get(i);
    }
    return new Checkpoint(body).apply(in);
  }

  /** True in the second run of a {@link #checkpoint}'s body. */
  public static boolean isRunningAgain() {
    return Checkpoint.isRunningAgain();
  }

  /**
   * Mean softmax cross-entropy over the pixels that aren't ignored; logits [B, H, W, K], labels
   * int32 [B, H, W].
   *
   * @param labels 0 to K − 1 or ignoreIndex; labels on a GPU aren't checked, others there are
   *     ignored
   */
  public static Variable crossEntropy(Variable logits, Tensor labels, int ignoreIndex) {
    ShapeChecks.labels("cross_entropy", logits, labels, ignoreIndex);
    return new CrossEntropyFunction(labels, ignoreIndex).apply(logits);
  }

  /**
   * Cross-entropy with class weights and focal factor, see {@link
   * dev.changenet.tensor.backend.Loss#focal}; logits [B, H, W, K], labels as in {@link
   * #crossEntropy}.
   *
   * @param weights K factors, or null for 1
   */
  public static Variable focal(
      Variable logits, Tensor labels, int ignoreIndex, float[] weights, double gamma) {
    ShapeChecks.labels("focal", logits, labels, ignoreIndex);
    ShapeChecks.classWeights("focal", logits, weights);
    return new FocalFunction(labels, ignoreIndex, weights, gamma).apply(logits);
  }

  /** Soft dice loss; logits [B, H, W, K], labels as in {@link #crossEntropy}. */
  public static Variable dice(Variable logits, Tensor labels, int ignoreIndex) {
    ShapeChecks.labels("dice", logits, labels, ignoreIndex);
    return new DiceFunction(labels, ignoreIndex).apply(logits);
  }

  /** Min-max IoU loss; logits [B, H, W, K], labels as in {@link #crossEntropy}. */
  public static Variable mmIou(Variable logits, Tensor labels, int ignoreIndex) {
    ShapeChecks.labels("mmiou", logits, labels, ignoreIndex);
    return new MmIouFunction(labels, ignoreIndex).apply(logits);
  }

  /** Σ weights[i]·scalars[i]. */
  public static Variable weightedSum(List<Variable> scalars, float[] weights) {
    ShapeChecks.weightedSum(scalars, weights);
    return new WeightedSumFunction(weights).apply(scalars.toArray(Variable[]::new));
  }

  /** x unchanged; {@code idle} parameters receive a zero gradient. */
  public static Variable attachIdle(Variable x, List<? extends Variable> idle) {
    Variable[] in = new Variable[idle.size() + 1];
    in[0] = x;
    for (int i = 0; i < idle.size(); i++) {
      in[i + 1] = idle.get(i);
    }
    return new AttachIdleFunction().apply(in);
  }
}
