package dev.changenet.onnx.lowering;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Op;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.OnnxChecker;
import dev.changenet.onnx.OnnxGraph;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.OnnxNode;
import dev.changenet.onnx.interpreter.NdArray;
import dev.changenet.onnx.interpreter.OnnxInterpreter;
import dev.changenet.onnx.proto.ModelProto;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;

/** A small network with random weights, exported and compared with ONNX Runtime. */
public final class LoweringCase {
  private final String name;
  private final List<int[]> inputShapes;
  private final BiFunction<Weights, List<Variable>, List<Variable>> network;
  private int firstOpset = 12;

  /** Random weights by name, the same in every forward pass. */
  public static final class Weights {
    private final Map<String, Variable> byName = new LinkedHashMap<>();
    private final Map<String, Tensor> statistics = new LinkedHashMap<>();

    public Variable get(String name, int... shape) {
      return byName.computeIfAbsent(name, k -> new Variable(random(k.hashCode(), 0.6f, shape)));
    }

    /** A buffer; variances are positive. */
    public Tensor statistic(String name, int channels) {
      return statistics.computeIfAbsent(
          name,
          k -> {
            Tensor t = random(k.hashCode(), 0.5f, channels);
            if (k.endsWith("running_var")) {
              for (int i = 0; i < channels; i++) {
                t.set(i, 0.5 + Math.abs(t.at(i)));
              }
            }
            return t;
          });
    }

    public Map<Variable, String> names() {
      Map<Variable, String> names = new IdentityHashMap<>();
      byName.forEach((k, v) -> names.put(v, k));
      return names;
    }
  }

  /**
   * @param inputShapes shapes without the batch dimension
   */
  public LoweringCase(
      String name,
      List<int[]> inputShapes,
      BiFunction<Weights, List<Variable>, List<Variable>> network) {
    this.name = name;
    this.inputShapes = inputShapes;
    this.network = network;
  }

  /** Declares the first operator set that can express this network. */
  void from(int opset) {
    firstOpset = opset;
  }

  public int firstOpset() {
    return firstOpset;
  }

  public static Tensor random(int seed, float scale, int... shape) {
    Random random = new Random(seed);
    float[] v = new float[(int) Shape.of(shape).elements()];
    for (int i = 0; i < v.length; i++) {
      v[i] = scale * (2 * random.nextFloat() - 1);
    }
    return Tensor.of(v, shape).detached();
  }

  private List<Variable> inputs(int batch, int seed) {
    List<Variable> in = new ArrayList<>();
    for (int i = 0; i < inputShapes.size(); i++) {
      int[] s = inputShapes.get(i);
      int[] shape = new int[s.length + 1];
      shape[0] = batch;
      System.arraycopy(s, 0, shape, 1, s.length);
      in.add(new Variable(random(31 * seed + i, 2f, shape)));
    }
    return in;
  }

  /** The operations that the network runs. */
  Set<Op> operations() {
    try (Scope _ = Scope.open();
        Trace trace = Trace.open()) {
      List<Variable> _ = network.apply(new Weights(), inputs(1, 1));
      Set<Op> ops = EnumSet.noneOf(Op.class);
      trace.nodes().forEach(n -> ops.add(n.function().op()));
      return ops;
    }
  }

  /** Exports the network, traced with {@code batch}. */
  public OnnxModel export(Weights weights, LoweringOptions options, int batch) {
    try (Scope _ = Scope.open();
        Trace trace = Trace.open()) {
      List<Variable> in = inputs(batch, 1);
      List<Variable> out = network.apply(weights, in);
      List<String> inputNames = new ArrayList<>();
      List<String> outputNames = new ArrayList<>();
      in.forEach(v -> inputNames.add("input" + inputNames.size()));
      out.forEach(v -> outputNames.add("output" + outputNames.size()));
      return GraphLowering.lower(trace, in, inputNames, out, outputNames, weights.names(), options);
    }
  }

  /** Exports, checks the structure, and compares outputs for fresh inputs at each batch size. */
  public OnnxModel verify(LoweringOptions options, int tracedBatch, int... batches) {
    Weights weights = new Weights();
    OnnxModel model = export(weights, options, tracedBatch);
    OnnxChecker.check(model.toProto());
    assertNothingUnused(model.graph());
    ModelProto proto = model.toProto();
    try (OrtRunner runner = new OrtRunner(proto.toByteArray());
        OnnxInterpreter interpreter = OnnxInterpreter.of(proto, Path.of("memory"))) {
      for (int batch : batches) {
        try (Scope _ = Scope.open()) {
          List<Variable> in = inputs(batch, 100 + batch);
          List<Variable> expected = network.apply(weights, in);
          Map<String, OrtRunner.Data> feed = new LinkedHashMap<>();
          for (Variable v : in) {
            feed.put("input" + feed.size(), new OrtRunner.Data(v.shape(), v.data().toFloatArray()));
          }
          Map<String, OrtRunner.Data> actual = runner.run(feed);
          assertThat(actual).hasSize(expected.size());
          for (int i = 0; i < expected.size(); i++) {
            compare("output" + i, expected.get(i).data(), actual.get("output" + i), batch);
          }
          compare(interpreter, feed, actual, batch);
        }
      }
    }
    return model;
  }

  /** Our interpreter against ONNX Runtime: the same inputs, the same outputs. */
  private void compare(
      OnnxInterpreter interpreter,
      Map<String, OrtRunner.Data> feed,
      Map<String, OrtRunner.Data> expected,
      int batch) {
    Map<String, NdArray> in = new LinkedHashMap<>();
    feed.forEach(
        (key, data) -> {
          int[] s = data.shape().toArray();
          in.put(
              key,
              s.length == 4
                  ? NdArray.of(
                      Constants.transpose(data.values(), s[0], s[1] * s[2], s[3]),
                      s[0],
                      s[3],
                      s[1],
                      s[2])
                  : NdArray.of(data.values(), s));
        });
    Map<String, NdArray> out = interpreter.run(in);
    expected.forEach(
        (key, data) -> {
          NdArray ours = out.get(key);
          int[] s = ours.dims();
          float[] v = ours.floats();
          if (s.length == 4) {
            v = Constants.transpose(v, s[0], s[1], s[2] * s[3]);
            s = new int[] {s[0], s[2], s[3], s[1]};
          }
          Tensor theirs = Tensor.of(data.values(), data.shape().toArray());
          compare("interpreted " + key, theirs, new OrtRunner.Data(Shape.of(s), v), batch);
        });
  }

  private static void assertNothingUnused(OnnxGraph graph) {
    Set<String> used = new HashSet<>();
    graph.nodes().forEach(n -> used.addAll(n.inputs()));
    graph.outputs().forEach(o -> used.add(o.name()));
    for (OnnxNode node : graph.nodes()) {
      assertThat(used).as("users of %s", node.name()).containsAll(node.outputs());
    }
    graph.initializers().forEach(i -> assertThat(used).contains(i.name()));
  }

  private void compare(String output, Tensor expected, OrtRunner.Data actual, int batch) {
    assertThat(actual.shape()).as(output + " of " + name).isEqualTo(expected.shape());
    float[] e = expected.toFloatArray();
    double largest = 1;
    for (float v : e) {
      largest = Math.max(largest, Math.abs(v));
    }
    for (int i = 0; i < e.length; i++) {
      assertThat(Math.abs(actual.values()[i] - e[i]))
          .as(
              "%s of %s, batch %d, element %d: %s, expected %s",
              output, name, batch, i, actual.values()[i], e[i])
          .isLessThanOrEqualTo((float) (2e-5 * largest));
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
