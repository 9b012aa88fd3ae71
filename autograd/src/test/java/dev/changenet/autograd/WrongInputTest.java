package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry.Mode;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What an operation can't take is said by {@link Functional}, before a kernel runs. */
class WrongInputTest {
  private final Scope scope = Scope.open();

  @AfterEach
  void close() {
    scope.close();
  }

  /** A call, and what is said about it. */
  record Row(String message, Supplier<Variable> call) {
    @Override
    public String toString() {
      return message;
    }
  }

  private static Variable of(int... shape) {
    return new Variable(Tensor.of(new float[(int) Shape.of(shape).elements()], shape));
  }

  private static Tensor labels(int... values) {
    return Tensor.of(values, 1, 1, values.length);
  }

  private static Variable batchNorm(Variable x, int mean, int var, boolean training, int batches) {
    int c = x.dim(-1);
    return Functional.batchNorm(
        x, of(c), of(c), of(mean).data(), of(var).data(), 1e-5, 0.1, training, batches);
  }

  private static Variable deformable(int tokens, int weights, int heads) {
    return Functional.deformableAttention(
        of(1, tokens, 4),
        new Levels(new int[] {2}, new int[] {3}),
        of(5, 2),
        of(1, 5, 8),
        of(1, 5, weights),
        heads,
        2);
  }

  static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    products(rows);
    convolutions(rows);
    normalization(rows);
    pointwise(rows);
    moves(rows);
    attention(rows);
    maps(rows);
    losses(rows);
    return rows;
  }

  private static void add(List<Row> rows, String message, Supplier<Variable> call) {
    rows.add(new Row(message, call));
  }

  private static void products(List<Row> rows) {
    add(
        rows,
        "linear: weight [3, 2, 2, 2] is neither [O, I] nor [O, I, 1, 1]",
        () -> Functional.linear(of(2, 8), of(3, 2, 2, 2), null));
    add(
        rows,
        "linear: weight [8] is neither [O, I] nor [O, I, 1, 1]",
        () -> Functional.linear(of(2, 8), of(8), null));
    add(
        rows,
        "linear: the last dimension of input [2, 8] is not the 7 features of weight [3, 7]",
        () -> Functional.linear(of(2, 8), of(3, 7), null));
    add(
        rows,
        "linear: bias has shape [2], expected [3]",
        () -> Functional.linear(of(2, 8), of(3, 8), of(2)));
  }

  private static void convolutions(List<Row> rows) {
    Variable map = of(1, 4, 4, 2);
    add(
        rows,
        "conv2d: expected 4 dimensions, got shape [4, 4, 2]",
        () -> Functional.conv2d(of(4, 4, 2), of(3, 2, 3, 3), null, 1, 1, 1));
    add(
        rows,
        "conv2d: stride must be at least 1, got 0",
        () -> Functional.conv2d(map, of(3, 2, 3, 3), null, 0, 1, 1));
    add(
        rows,
        "conv2d: padding must be at least 0, got -1",
        () -> Functional.conv2d(map, of(3, 2, 3, 3), null, 1, -1, 1));
    add(
        rows,
        "conv2d: kernel [3, 2, 7, 7] is larger than the padded input [1, 4, 4, 2] (padding 1)",
        () -> Functional.conv2d(map, of(3, 2, 7, 7), null, 1, 1, 1));
    add(
        rows,
        "conv2d: groups must be 1 or the number of channels, got 2 for weight [4, 1, 3, 3]",
        () -> Functional.conv2d(map, of(4, 1, 3, 3), null, 1, 1, 2));
    add(
        rows,
        "conv2d: groups must be 1 or the number of channels, got 0 for weight [3, 2, 3, 3]",
        () -> Functional.conv2d(map, of(3, 2, 3, 3), null, 1, 1, 0));
    add(
        rows,
        "has 2 channels, weight [3, 5, 3, 3] with 1 groups takes 5",
        () -> Functional.conv2dRelu(map, of(3, 5, 3, 3), null, 1, 1));
    add(
        rows,
        "conv2d_pair: expected two 3x3 kernels",
        () -> Functional.conv2dPair(map, of(3, 2, 3, 3), null, of(2, 3, 1, 1)));
    add(
        rows,
        "conv_transpose2d: stride must be at least 1, got 0",
        () -> Functional.convTranspose2d(map, of(2, 3, 4, 4), null, 0, 1));
    add(
        rows,
        "conv_transpose2d: nothing is left of input [1, 4, 4, 2] with kernel [2, 3, 1, 1] and"
            + " padding 2",
        () -> Functional.convTranspose2d(map, of(2, 3, 1, 1), null, 1, 2));
    add(
        rows,
        "conv_transpose2d: input [1, 4, 4, 2] has 2 channels, weight [3, 2, 4, 4] takes 3",
        () -> Functional.convTranspose2d(map, of(3, 2, 4, 4), null, 2, 1));
  }

  private static void normalization(List<Row> rows) {
    add(
        rows,
        "layer_norm: input [2, 4], weight [3], bias [4]",
        () -> Functional.layerNorm(of(2, 4), of(3), of(4), 1e-6, false));
    add(
        rows,
        "batch_norm: input [2, 4] has 4 channels, running statistics have shapes [3] and [4]",
        () -> batchNorm(of(2, 4), 3, 4, true, 1));
    add(
        rows,
        "batch_norm: input [2, 4] has 4 channels, running statistics have shapes [4] and [8]",
        () -> batchNorm(of(2, 4), 4, 8, false, 1));
    add(
        rows,
        "batch_norm: the rows of [3, 4] don't make 2 equal batches",
        () -> batchNorm(of(3, 4), 4, 4, true, 2));
    add(
        rows,
        "batch_norm: the rows of [3, 4] don't make 0 equal batches",
        () -> batchNorm(of(3, 4), 4, 4, true, 0));
  }

  private static void pointwise(List<Row> rows) {
    add(rows, "add: shapes differ: [2, 3] and [3]", () -> Functional.add(of(2, 3), of(3)));
    add(
        rows,
        "add_repeated: cannot repeat [6] over [3, 4], expected its last dimensions",
        () -> Functional.addRepeated(of(3, 4), of(6)));
    add(
        rows,
        "add_repeated: cannot repeat [4, 3] over [2, 3, 4], expected its last dimensions",
        () -> Functional.addRepeated(of(2, 3, 4), of(4, 3)));
    add(
        rows,
        "add_repeated: cannot repeat [2, 3, 4] over [3, 4], expected its last dimensions",
        () -> Functional.addRepeated(of(3, 4), of(2, 3, 4)));
    add(
        rows,
        "add_per_sample: [2, 3, 4] needs [2, 4] to add, got [3, 4]",
        () -> Functional.addPerSample(of(2, 3, 4), of(3, 4)));
    add(
        rows,
        "residual: [2, 3, 4] needs a gamma of [4], got [3]",
        () -> Functional.residual(of(2, 3, 4), of(2, 3, 4), of(3), null));
    add(
        rows,
        "residual: [2, 3, 4] needs 2 factors, one per sample, got 1",
        () -> Functional.residual(of(2, 3, 4), of(2, 3, 4), null, new float[1]));
    add(
        rows,
        "residual: shapes differ: [2, 4] and [1, 4]",
        () -> Functional.residual(of(2, 4), of(1, 4), null, null));
    add(
        rows,
        "swiglu: the last dimension of [2, 3] is not divisible by 2",
        () -> Functional.swiglu(of(2, 3)));
    add(
        rows,
        "softmax: the last dimension of [2, 6] is not divisible by 4",
        () -> Functional.softmax(of(2, 6), 4));
    add(
        rows,
        "weighted_sum: expected as many weights as scalars and at least 1, got 2 scalars and 3"
            + " weights",
        () -> Functional.weightedSum(List.of(of(1), of(1)), new float[3]));
    add(
        rows,
        "weighted_sum: expected as many weights as scalars and at least 1, got 0 scalars and 0"
            + " weights",
        () -> Functional.weightedSum(List.of(), new float[0]));
    add(
        rows,
        "weighted_sum: expected scalars, got shape [2]",
        () -> Functional.weightedSum(List.of(of(2)), new float[1]));
  }

  private static void moves(List<Row> rows) {
    add(
        rows,
        "narrow: [2, 4] has no dimension -1, expected 0 to 1",
        () -> Functional.narrow(of(2, 4), -1, 0, 1));
    add(
        rows,
        "narrow: [2, 4] has no dimension 5, expected 0 to 1",
        () -> Functional.narrow(of(2, 4), 5, 0, 1));
    add(
        rows,
        "narrow: 2 elements from 3 on of dimension 1 do not exist in [2, 4]",
        () -> Functional.narrow(of(2, 4), 1, 3, 2));
    add(
        rows,
        "narrow: 2 elements from 2147483647 on of dimension 1 do not exist in [2, 4]",
        () -> Functional.narrow(of(2, 4), 1, Integer.MAX_VALUE, 2));
    add(
        rows,
        "concat: [2, 4] has no dimension -1, expected 0 to 1",
        () -> Functional.concat(-1, of(2, 4), of(2, 4)));
    add(
        rows,
        "concat: [2, 4] has no dimension 5, expected 0 to 1",
        () -> Functional.concat(5, of(2, 4), of(2, 4)));
    add(
        rows,
        "concat: shapes [2, 4] and [3, 4] differ outside dimension 1",
        () -> Functional.concat(1, of(2, 4), of(3, 4)));
    add(rows, "concat: nothing to concatenate", () -> Functional.concat(0));
    add(
        rows,
        "repeat_batch: expected one sample [1, …], got [3, 2]",
        () -> Functional.repeatBatch(of(3, 2), of(4, 2)));
    add(
        rows,
        "tokens_to_map: 6 tokens do not make a 2 x 2 map",
        () -> Functional.tokensToMap(of(1, 6, 2), 2, 2));
    add(
        rows,
        "map_to_tokens: expected 4 dimensions, got shape [1, 6, 2]",
        () -> Functional.mapToTokens(of(1, 6, 2)));
    add(rows, "reshape: [2, 6] does not fit [5, 2]", () -> Functional.reshape(of(2, 6), 5, 2));
  }

  private static void attention(List<Row> rows) {
    Variable q = of(2, 4, 8);
    add(
        rows,
        "attention: 10 channels are not divisible by 4 heads",
        () -> Functional.selfAttention(of(1, 2, 30), 4));
    add(
        rows,
        "attention: qkv [1, 2, 32] does not hold q, k and v of equal width",
        () -> Functional.selfAttention(of(1, 2, 32), 4));
    add(
        rows,
        "attention: 8 channels are not divisible by 0 heads",
        () -> Functional.attention(q, q, q, 0));
    add(
        rows,
        "attention: kv must be [2, tokens, 16] for q [2, 4, 8], got [2, 6, 24]",
        () -> Functional.attention(q, of(2, 6, 24), 2));
    add(
        rows,
        "channel_gate: 8 channels are not divisible by 3 heads",
        () -> Functional.channelGate(q, q, q, of(3, 1, 1), 3));
    add(
        rows,
        "deformable_attention: value [1, 5, 4] needs 6 tokens and channels divisible by 2 heads",
        () -> deformable(5, 4, 2));
    add(
        rows,
        "deformable_attention: weights [1, 5, 3], offsets [1, 5, 8] and reference points [5, 2]"
            + " do not fit together, expected weights [1, 5, 4]",
        () -> deformable(6, 3, 2));
    add(rows, "deformable_attention: got 0 heads and 2 points", () -> deformable(6, 4, 0));
  }

  private static void maps(List<Row> rows) {
    Variable map = of(1, 4, 4, 2);
    add(
        rows,
        "interpolate: cannot resize [1, 4, 4, 2] to 0 x 0, a map has at least 1 x 1",
        () -> Functional.interpolate(map, Mode.NEAREST, 0, 0, false));
    add(
        rows,
        "interpolate: cannot resize [1, 4, 4, 2] to 0 x 0, a map has at least 1 x 1",
        () -> Functional.interpolateBilinear(map, 0.2, false));
    add(
        rows,
        "max_pool2d: kernel 3, stride 0 and padding 1 do not fit the map [1, 4, 4, 2]",
        () -> Functional.maxPool2d(map, 3, 0, 1));
    add(
        rows,
        "max_pool2d: kernel 3, stride 1 and padding -1 do not fit the map [1, 4, 4, 2]",
        () -> Functional.maxPool2d(map, 3, 1, -1));
    add(
        rows,
        "sample_table: expected positions [B, N, 2] and keep [B], got [1, 3, 2] and [2]",
        () -> Functional.sampleTable(of(4, 3, 2), of(1, 3, 2).data(), of(2).data()));
  }

  private static void losses(List<Row> rows) {
    Variable logits = of(1, 1, 3, 2);
    Tensor wrong = labels(0, 7, 1);
    String message = ": label 7 at 1 is neither a class, 0 to 1, nor 255, which is ignored";
    add(rows, "cross_entropy" + message, () -> Functional.crossEntropy(logits, wrong, 255));
    add(rows, "focal" + message, () -> Functional.focal(logits, wrong, 255, null, 2));
    add(rows, "dice" + message, () -> Functional.dice(logits, wrong, 255));
    add(rows, "mmiou" + message, () -> Functional.mmIou(logits, wrong, 255));
    add(
        rows,
        "cross_entropy: label -1 at 0 is neither a class, 0 to 1, nor 255, which is ignored",
        () -> Functional.crossEntropy(logits, labels(-1, 0, 1), 255));
    add(
        rows,
        "cross_entropy: logits [1, 1, 3, 2] need 3 labels of int32, got INT32 of shape [1, 1, 2]",
        () -> Functional.crossEntropy(logits, labels(0, 1), 255));
    add(
        rows,
        "cross_entropy: logits [1, 1, 3, 2] need 3 labels of int32, got FLOAT32 of shape [3]",
        () -> Functional.crossEntropy(logits, of(3).data(), 255));
    add(
        rows,
        "focal: logits [1, 1, 3, 2] need 2 class weights, got 1",
        () -> Functional.focal(logits, labels(0, 1, 0), 255, new float[1], 2));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void isRefused(Row row) {
    assertThatThrownBy(() -> row.call().get())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(row.message());
  }

  @Test
  void trainingBatchNormNeedsTwoValuesPerChannel() {
    assertThatThrownBy(() -> batchNorm(of(2, 4), 4, 4, true, 2))
        .isInstanceOf(ChangeNetException.class)
        .hasMessage(
            "batch_norm: training needs at least 2 values per channel, got 1 from [2, 4] in 2"
                + " batches; use a larger batch or larger maps");
    assertThat(batchNorm(of(1, 4), 4, 4, false, 1).shape()).isEqualTo(Shape.of(1, 4));
  }

  @Test
  void whatIsRepeatedMayHaveOnesInFront() {
    assertThat(Functional.addRepeated(of(2, 3, 4), of(1, 4)).shape()).isEqualTo(Shape.of(2, 3, 4));
    assertThat(Functional.addRepeated(of(2, 3, 4), of(1, 3, 4)).shape())
        .isEqualTo(Shape.of(2, 3, 4));
  }

  @Test
  void ignoredLabelsNeedNotBeClasses() {
    Variable logits = of(1, 1, 3, 2);
    double loss = Functional.crossEntropy(logits, labels(0, -100, 1), -100).data().item();
    assertThat((float) loss).isEqualTo((float) Math.log(2));
  }
}
