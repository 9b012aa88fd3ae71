package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.function.CastFunction;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation's backward pass against central differences, in float64. */
class GradientTest {
  private static final double EPS = 1e-6;

  /** One operation on leaves of the given shapes; an empty shape list entry means a scalar. */
  record Row(String name, Op op, int[][] shapes, Function<Variable[], Variable> f) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Row row(String name, Op op, Function<Variable[], Variable> f, int[]... shapes) {
    return new Row(name, op, shapes, f);
  }

  private static int[] s(int... dims) {
    return dims;
  }

  static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    rows.add(
        row(
            "linear",
            Op.LINEAR,
            v -> Functional.linear(v[0], v[1], v[2]),
            s(2, 3, 5),
            s(4, 5),
            s(4)));
    rows.add(
        row(
            "linear without bias",
            Op.LINEAR,
            v -> Functional.linear(v[0], v[1], null),
            s(3, 5),
            s(4, 5)));
    rows.add(
        row(
            "conv2d",
            Op.CONV2D,
            v -> Functional.conv2d(v[0], v[1], v[2], 1, 1, 1),
            s(2, 4, 5, 3),
            s(2, 3, 3, 3),
            s(2)));
    rows.add(
        row(
            "conv2d strided",
            Op.CONV2D,
            v -> Functional.conv2d(v[0], v[1], v[2], 2, 0, 1),
            s(1, 4, 6, 3),
            s(2, 3, 2, 2),
            s(2)));
    rows.add(
        row(
            "conv2d depthwise",
            Op.CONV2D,
            v -> Functional.conv2d(v[0], v[1], v[2], 1, 1, 3),
            s(2, 4, 3, 3),
            s(3, 1, 3, 3),
            s(3)));
    rows.add(
        row(
            "conv2d relu",
            Op.CONV2D,
            v -> Functional.conv2dRelu(v[0], v[1], v[2], 1, 1),
            s(1, 4, 4, 2),
            s(3, 2, 3, 3),
            s(3)));
    rows.add(
        row(
            "conv2d_pair",
            Op.CONV2D_PAIR,
            v -> Functional.conv2dPair(v[0], v[1], v[2], v[3]),
            s(2, 4, 5, 3),
            s(4, 3, 3, 3),
            s(4),
            s(2, 4, 3, 3)));
    rows.add(
        row(
            "conv_transpose2d",
            Op.CONV_TRANSPOSE2D,
            v -> Functional.convTranspose2d(v[0], v[1], v[2], 2, 1),
            s(1, 3, 2, 3),
            s(3, 2, 4, 4),
            s(2)));
    rows.add(
        row(
            "layer_norm",
            Op.LAYER_NORM,
            v -> Functional.layerNorm(v[0], v[1], v[2], 1e-6, false),
            s(3, 7),
            s(7),
            s(7)));
    rows.add(
        row(
            "layer_norm unbiased",
            Op.LAYER_NORM,
            v -> Functional.layerNorm(v[0], v[1], v[2], 1e-6, true),
            s(3, 7),
            s(7),
            s(7)));
    rows.add(
        row(
            "batch_norm training",
            Op.BATCH_NORM,
            v -> batchNorm(v, true, 1),
            s(2, 2, 3, 4),
            s(4),
            s(4)));
    rows.add(
        row(
            "batch_norm of two batches",
            Op.BATCH_NORM,
            v -> batchNorm(v, true, 2),
            s(2, 2, 3, 4),
            s(4),
            s(4)));
    rows.add(
        row(
            "batch_norm evaluation",
            Op.BATCH_NORM,
            v -> batchNorm(v, false, 1),
            s(2, 2, 3, 4),
            s(4),
            s(4)));
    rows.add(row("relu", Op.ACTIVATION, v -> Functional.relu(v[0]), s(3, 5)));
    rows.add(row("gelu", Op.ACTIVATION, v -> Functional.gelu(v[0]), s(3, 5)));
    rows.add(row("silu", Op.ACTIVATION, v -> Functional.silu(v[0]), s(3, 5)));
    rows.add(row("swiglu", Op.SWIGLU, v -> Functional.swiglu(v[0]), s(2, 3, 6)));
    rows.add(row("softmax in groups", Op.SOFTMAX, v -> Functional.softmax(v[0], 3), s(2, 6)));
    rows.add(row("reshape", Op.RESHAPE, v -> Functional.reshape(v[0], 3, 4), s(2, 6)));
    rows.add(
        row(
            "add per sample",
            Op.ADD_PER_SAMPLE,
            v -> Functional.addPerSample(v[0], v[1]),
            s(2, 2, 3, 4),
            s(2, 4)));
    rows.add(
        row("max_pool2d", Op.MAX_POOL2D, v -> Functional.maxPool2d(v[0], 3, 2, 1), s(2, 5, 4, 3)));
    Levels levels = new Levels(new int[] {3, 2}, new int[] {4, 1});
    Variable points = new Variable(Tensor.of(new double[] {0.1, 0.3, 0.55, 0.8}, 2, 2).detached());
    rows.add(
        row(
            "deformable_attention",
            Op.DEFORMABLE_ATTENTION,
            v -> Functional.deformableAttention(v[0], levels, points, v[1], v[2], 2, 2),
            s(2, 14, 6),
            s(2, 2, 16),
            s(2, 2, 8)));
    Tensor positions = Tensor.of(new double[] {0, 0.3, 0.55, 1, 0.2, 0.7}, 1, 3, 2).detached();
    Tensor keep = Tensor.of(new double[] {0.5}, 1).detached();
    rows.add(
        row(
            "sample_table",
            Op.SAMPLE_TABLE,
            v -> Functional.sampleTable(v[0], positions, keep),
            s(4, 3, 2)));
    rows.add(
        row(
            "checkpoint",
            Op.CHECKPOINT,
            v ->
                Functional.checkpoint(
                    x -> Functional.linear(Functional.gelu(x), v[1], v[2]),
                    v[0],
                    List.of(v[1], v[2])),
            s(2, 3),
            s(4, 3),
            s(4)));
    rows.add(
        row(
            "attention packed in one",
            Op.ATTENTION,
            v -> Functional.selfAttention(v[0], 2),
            s(2, 3, 12)));
    rows.add(row("add", Op.ADD, v -> Functional.add(v[0], v[1], 0.25f), s(2, 3), s(2, 3)));
    rows.add(row("add to itself", Op.ADD, v -> Functional.add(v[0], v[0]), s(2, 3)));
    rows.add(
        row(
            "add repeated",
            Op.ADD_REPEATED,
            v -> Functional.addRepeated(v[0], v[1]),
            s(3, 2, 4),
            s(1, 2, 4)));
    rows.add(row("cast", Op.CAST, v -> new CastFunction(v[0].data().dtype()).apply(v[0]), s(2, 3)));
    rows.add(row("scale", Op.SCALE, v -> Functional.scale(v[0], -1.5f), s(2, 3)));
    rows.add(
        row(
            "residual",
            Op.RESIDUAL,
            v -> Functional.residual(v[0], v[1], v[2], new float[] {0f, 1.5f}),
            s(2, 3, 4),
            s(2, 3, 4),
            s(4)));
    rows.add(
        row(
            "residual with drop path only",
            Op.RESIDUAL,
            v -> Functional.residual(v[0], v[1], null, new float[] {0f, 1.5f}),
            s(2, 3, 4),
            s(2, 3, 4)));
    rows.add(
        row(
            "residual plain",
            Op.RESIDUAL,
            v -> Functional.residual(v[0], v[1], null, null),
            s(2, 4),
            s(2, 4)));
    rows.add(
        row("concat", Op.CONCAT, v -> Functional.concat(2, v[0], v[1]), s(2, 2, 3), s(2, 2, 1)));
    rows.add(row("concat batch", Op.CONCAT, v -> Functional.concat(0, v), s(2, 3), s(1, 3)));
    rows.add(row("narrow", Op.NARROW, v -> Functional.narrow(v[0], 1, 1, 2), s(2, 4, 3)));
    rows.add(
        row("map_to_tokens", Op.MAP_TO_TOKENS, v -> Functional.mapToTokens(v[0]), s(2, 2, 3, 2)));
    rows.add(
        row(
            "tokens_to_map",
            Op.TOKENS_TO_MAP,
            v -> Functional.tokensToMap(v[0], 2, 3),
            s(2, 6, 2)));
    rows.add(
        row(
            "repeat_batch",
            Op.REPEAT_BATCH,
            v -> Functional.repeatBatch(v[0], v[1]),
            s(1, 2, 3),
            s(3, 1)));
    rows.add(
        row(
            "attention",
            Op.ATTENTION,
            v -> Functional.attention(v[0], v[1], v[2], 2),
            s(2, 3, 4),
            s(2, 5, 4),
            s(2, 5, 4)));
    rows.add(
        row(
            "attention packed",
            Op.ATTENTION,
            v -> Functional.attention(v[0], v[1], 2),
            s(2, 3, 4),
            s(2, 5, 8)));
    rows.add(
        row(
            "channel_gate",
            Op.CHANNEL_GATE,
            v -> Functional.channelGate(v[0], v[1], v[2], v[3], 2),
            s(2, 3, 4),
            s(2, 3, 4),
            s(2, 3, 4),
            s(2, 1, 1)));
    rows.add(
        row(
            "interpolate factor 2",
            Op.RESIZE,
            v -> Functional.interpolateBilinear(v[0], 2, false),
            s(1, 3, 4, 2)));
    rows.add(
        row(
            "interpolate corners",
            Op.RESIZE,
            v -> Functional.interpolate(v[0], ResizeGeometry.Mode.BILINEAR, 5, 7, true),
            s(1, 3, 4, 2)));
    rows.add(
        row(
            "interpolate bicubic",
            Op.RESIZE,
            v -> Functional.interpolate(v[0], ResizeGeometry.Mode.BICUBIC, 5, 3, false),
            s(1, 3, 4, 2)));
    rows.add(
        row(
            "interpolate nearest",
            Op.RESIZE,
            v -> Functional.interpolate(v[0], ResizeGeometry.Mode.NEAREST, 5, 3, false),
            s(1, 3, 4, 2)));
    Tensor labels = Tensor.of(new int[] {0, 2, 255, 1, 1, 0}, 1, 2, 3).detached();
    rows.add(
        row(
            "cross_entropy",
            Op.CROSS_ENTROPY,
            v -> Functional.crossEntropy(v[0], labels, 255),
            s(1, 2, 3, 3)));
    rows.add(
        row(
            "focal",
            Op.FOCAL,
            v -> Functional.focal(v[0], labels, 255, new float[] {0.5f, 2f, 1f}, 2),
            s(1, 2, 3, 3)));
    rows.add(row("dice", Op.DICE, v -> Functional.dice(v[0], labels, 255), s(1, 2, 3, 3)));
    rows.add(row("mmiou", Op.MM_IOU, v -> Functional.mmIou(v[0], labels, 255), s(1, 2, 3, 3)));
    rows.add(
        row(
            "weighted_sum",
            Op.WEIGHTED_SUM,
            v -> Functional.weightedSum(List.of(v[0], v[1]), new float[] {0.5f, 2f}),
            s(1),
            s(1)));
    rows.add(
        row(
            "attach_idle",
            Op.ATTACH_IDLE,
            v -> Functional.attachIdle(v[0], List.of(v[1])),
            s(2, 3),
            s(4)));
    return rows;
  }

  private static Variable batchNorm(Variable[] v, boolean training, int batches) {
    Tensor mean = Tensor.of(new double[] {0.1, -0.2, 0.3, 0}, 4);
    Tensor var = Tensor.of(new double[] {0.5, 1.5, 1, 2}, 4);
    return Functional.batchNorm(v[0], v[1], v[2], mean, var, 1e-5, 0.1, training, batches);
  }

  @Test
  void everyOperationHasARow() {
    EnumSet<Op> missing = EnumSet.allOf(Op.class);
    rows().forEach(r -> missing.remove(r.op()));
    assertThat(missing).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowRunsTheOperationThatItIsFor(Row row) {
    try (Scope _ = Scope.open();
        Trace trace = Trace.open()) {
      Variable _ = row.f().apply(leaves(row));
      assertThat(trace.nodes()).extracting(n -> n.function().op()).contains(row.op());
    }
  }

  private static Variable[] leaves(Row row) {
    Random random = new Random(7);
    Variable[] leaves = new Variable[row.shapes().length];
    for (int i = 0; i < leaves.length; i++) {
      int n = Math.toIntExact(Shape.of(row.shapes()[i]).elements());
      double[] values = random.doubles(n, -1, 1).toArray();
      leaves[i] = new Variable(Tensor.of(values, row.shapes()[i]), true);
    }
    return leaves;
  }

  @ParameterizedTest
  @MethodSource("rows")
  void backwardEqualsCentralDifferences(Row row) {
    long before = MemoryUse.liveStorages();
    try (Scope _ = Scope.open()) {
      Variable[] leaves = leaves(row);
      double[] weights = new Random(8).doubles(4096, -1, 1).toArray();
      try (Tape _ = Tape.open()) {
        scalar(row.f().apply(leaves), weights).backward();
      }
      for (int i = 0; i < leaves.length; i++) {
        Tensor grad = leaves[i].grad();
        for (int j = 0; j < leaves[i].shape().elements(); j++) {
          double numeric = difference(row, leaves, i, j, weights);
          double analytic = grad == null ? 0 : grad.at(j);
          assertThat(analytic)
              .as("input " + i + " element " + j)
              .isCloseTo(numeric, within(2e-6 * (1 + Math.abs(numeric))));
        }
        leaves[i].zeroGrad();
      }
    }
    assertThat(MemoryUse.liveStorages()).as("storages left over").isEqualTo(before);
  }

  /** Σ weight·output, so that every output element matters differently. */
  private static Variable scalar(Variable out, double[] weights) {
    int n = Math.toIntExact(out.shape().elements());
    Tensor w = Tensor.of(java.util.Arrays.copyOf(weights, n), 1, n);
    return Functional.linear(new Reshape(n).apply(out), new Variable(w), null);
  }

  private static double difference(
      Row row, Variable[] leaves, int input, int element, double[] weights) {
    Tensor t = leaves[input].data();
    double original = t.at(element);
    double[] values = new double[2];
    for (int k = 0; k < 2; k++) {
      t.set(element, original + (k == 0 ? EPS : -EPS));
      try (Scope _ = Scope.open()) {
        values[k] = scalar(row.f().apply(leaves), weights).data().item();
      }
    }
    t.set(element, original);
    return (values[0] - values[1]) / (2 * EPS);
  }

  /** [1, n] view, for the weighted sum above. */
  private static final class Reshape extends dev.changenet.autograd.Function {
    private final int n;
    private int[] shape;

    Reshape(int n) {
      this.n = n;
    }

    @Override
    public Op op() {
      return Op.ATTACH_IDLE;
    }

    @Override
    protected Tensor forward(Tensor... in) {
      shape = in[0].shape().toArray();
      return in[0].reshape(1, n);
    }

    @Override
    protected void backward(Tensor gradOut, Gradients g) {
      g.set(0, gradOut.reshape(shape));
    }
  }

  /** The kernels of float32 take another path than those of float64 above. */
  @Test
  void dropPathWithoutLayerScaleScalesGradientsOfFloats() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = new Variable(Tensor.of(new float[] {1, 2}, 2, 1), true);
      Variable y = new Variable(Tensor.of(new float[] {3, 4}, 2, 1), true);
      Variable sum = Functional.residual(x, y, null, new float[] {0f, 1.5f});
      Variable w = new Variable(Tensor.of(new float[] {1, 1}, 1, 2));
      Functional.linear(Functional.reshape(sum, 1, 2), w, null).backward();
      assertThat(x.grad().toFloatArray()).containsExactly(1, 1);
      assertThat(y.grad().toFloatArray()).containsExactly(0, 1.5f);
      x.zeroGrad();
      y.zeroGrad();
    }
  }

  @Test
  void floatTensorsGetFloatGradients() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = new Variable(Tensor.of(new float[] {1, 2, 3}, 1, 3), true);
      Variable w = new Variable(Tensor.full(Shape.of(1, 3), DType.FLOAT32, Device.CPU, 2));
      Functional.linear(x, w, null).backward();
      assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2);
      x.zeroGrad();
    }
  }
}
