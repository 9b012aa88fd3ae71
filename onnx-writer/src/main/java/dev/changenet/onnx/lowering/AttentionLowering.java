package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Op;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.AttentionFunction;
import dev.changenet.autograd.function.ChannelGateFunction;
import dev.changenet.autograd.function.SoftmaxFunction;
import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Token attention and the channel gate of the FAN blocks. */
final class AttentionLowering {
  private final Emitter emitter;
  private final Values values;

  /** Packed projections (several of q, k and v in one linear layer) that are taken apart. */
  private final Map<Variable, Trace.Node> packed = new IdentityHashMap<>();

  AttentionLowering(TraceGraph trace, Emitter emitter, Values values) {
    this.emitter = emitter;
    this.values = values;
    for (Trace.Node node : trace.nodes()) {
      if (node.function().op() == Op.ATTENTION) {
        int channels = ((AttentionFunction) node.function()).channels();
        for (Variable v : TraceGraph.operands(node)) {
          Trace.Node producer = trace.producer(v);
          if (v.dim(-1) != channels
              && producer != null
              && producer.function().op() == Op.LINEAR
              && trace.usedOnlyBy(v, node)) {
            packed.put(v, producer);
          }
        }
      }
    }
  }

  /** True when the linear layer {@code node} is lowered in parts by the attention that uses it. */
  boolean splits(Trace.Node node) {
    return packed.containsKey(node.output());
  }

  boolean isSplit(Variable v) {
    return packed.containsKey(v);
  }

  void attention(Trace.Node node) {
    AttentionFunction f = (AttentionFunction) node.function();
    Variable q = node.inputs().get(0);
    Variable k = node.inputs().get(1) == null ? q : node.inputs().get(1);
    Variable v = node.inputs().get(2) == null ? k : node.inputs().get(2);
    int c = f.channels();
    int d = c / f.heads();
    String query = columns(q, f.queryOffset(), c, "_query");
    query = emitter.node("Mul", query, emitter.constants().scalar(f.scale()));
    query = heads(query, f.heads(), d, 0, 2, 1, 3);
    String key = heads(columns(k, f.keyOffset(), c, "_key"), f.heads(), d, 0, 2, 3, 1);
    String value = heads(columns(v, f.valueOffset(), c, "_value"), f.heads(), d, 0, 2, 1, 3);
    String weights = emitter.softmaxLast(emitter.node("MatMul", query, key), 4);
    String mixed = emitter.transpose(emitter.node("MatMul", weights, value), 0, 2, 1, 3);
    values.put(node.output(), Form.ROWS, emitter.reshape(mixed, 0, 0, c)).gridOf(grid(q));
  }

  private LoweredValue grid(Variable v) {
    Trace.Node projection = packed.get(v);
    return values.of(projection == null ? v : projection.inputs().get(0));
  }

  /** [B, N, heads·d] → [B, N, heads, d], permuted. */
  private String heads(String x, int heads, int d, long... perm) {
    return emitter.transpose(emitter.reshape(x, 0, 0, heads, d), perm);
  }

  /** Columns {@code offset} … of a projection: by parts of its weight, or of its output. */
  private String columns(Variable v, int offset, int channels, String suffix) {
    Trace.Node projection = packed.get(v);
    if (projection == null) {
      String x = values.name(v, Form.ROWS);
      return v.dim(-1) == channels ? x : emitter.slice(x, 2, offset, offset + (long) channels);
    }
    Tensor w = values.weight(projection, 1);
    int in = projection.inputs().get(0).dim(-1);
    Constants constants = emitter.constants();
    String attentionScope = emitter.scope();
    emitter.enter(projection.path());
    String weight =
        constants.derived(
            List.of(w),
            suffix + "_transposed",
            values.weightName(projection, 1),
            () -> Constants.transpose(part(w, offset * in, channels * in), 1, channels, in),
            in,
            channels);
    String out = emitter.node("MatMul", values.name(projection.inputs().get(0), Form.ROWS), weight);
    if (projection.inputs().get(2) != null) {
      Tensor b = values.weight(projection, 2);
      String bias =
          constants.derived(
              List.of(b),
              suffix,
              values.weightName(projection, 2),
              () -> part(b, offset, channels),
              channels);
      out = emitter.node("Add", out, bias);
    }
    emitter.enter(attentionScope);
    return out;
  }

  private static float[] part(Tensor t, int start, int length) {
    return Arrays.copyOfRange(t.toFloatArray(), start, start + length);
  }

  /** Softmax over runs of the last dimension. */
  void softmax(Trace.Node node) {
    Variable v = node.inputs().get(0);
    int group = ((SoftmaxFunction) node.function()).group();
    String x = values.name(v, Form.ROWS);
    if (v.dim(-1) == group) {
      int rank = Math.min(3, v.shape().rank());
      values.put(node.output(), Form.ROWS, emitter.softmaxLast(x, rank)).gridOf(values.of(v));
      return;
    }
    // Leading sizes stay: [B, C] or [B, N, C].
    boolean vectors = v.shape().rank() == 2;
    long runs = v.dim(-1) / group;
    String grouped =
        vectors ? emitter.reshape(x, 0, runs, group) : emitter.reshape(x, 0, 0, runs, group);
    String out = emitter.softmaxLast(grouped, vectors ? 3 : 4);
    out = vectors ? emitter.reshape(out, 0, v.dim(-1)) : emitter.reshape(out, 0, 0, v.dim(-1));
    values.put(node.output(), Form.ROWS, out).gridOf(values.of(v));
  }

  void channelGate(Trace.Node node) {
    Variable q = node.inputs().get(0);
    Variable x = node.inputs().get(1);
    Variable v = node.inputs().get(2);
    int heads = ((ChannelGateFunction) node.function()).heads();
    int c = q.dim(2);
    int d = c / heads;
    // Both softmaxes run over the tokens; [B, N, C] → [B, N, heads, d].
    String query =
        emitter.reshape(emitter.softmaxTokens(values.name(q, Form.ROWS)), 0, 0, heads, d);
    String key = emitter.reshape(emitter.softmaxTokens(values.name(x, Form.ROWS)), 0, 0, heads, d);
    String product = emitter.node("Mul", query, emitter.reduceMean(key, 3));
    String gate = emitter.node("Sigmoid", emitter.reduceSum(product, 1));
    String temperature =
        emitter.constants().plain(values.weight(node, 3), values.weightName(node, 3), heads, 1);
    gate = emitter.reshape(emitter.node("Mul", gate, temperature), 0, 1, c);
    values
        .put(node.output(), Form.ROWS, emitter.node("Mul", values.name(v, Form.ROWS), gate))
        .gridOf(values.of(q));
  }
}
