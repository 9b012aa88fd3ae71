package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Op;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.BatchNormFunction;
import dev.changenet.autograd.function.Conv2dFunction;
import dev.changenet.autograd.function.LayerNormFunction;
import dev.changenet.onnx.Attribute;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Layer norm and frozen batch norm. */
final class NormalizationLowering {
  private final Emitter emitter;
  private final Values values;
  private final boolean foldBatchNorm;

  /** The batch norm that each convolution or linear layer absorbs. */
  private final Map<Trace.Node, Trace.Node> absorbed = new IdentityHashMap<>();

  private final Set<Variable> absorbedInputs = Collections.newSetFromMap(new IdentityHashMap<>());

  NormalizationLowering(TraceGraph trace, Emitter emitter, Values values, boolean foldBatchNorm) {
    this.emitter = emitter;
    this.values = values;
    this.foldBatchNorm = foldBatchNorm;
    for (Trace.Node node : trace.nodes()) {
      if (foldBatchNorm && node.function().op() == Op.BATCH_NORM) {
        Variable x = node.inputs().get(0);
        Trace.Node producer = trace.producer(x);
        if (producer != null && absorbs(producer) && trace.usedOnlyBy(x, node)) {
          absorbed.put(producer, node);
          absorbedInputs.add(x);
        }
      }
    }
  }

  private static boolean absorbs(Trace.Node producer) {
    return producer.function().op() == Op.LINEAR
        || (producer.function() instanceof Conv2dFunction f && !f.relu());
  }

  void layerNorm(Trace.Node node) {
    LayerNormFunction f = (LayerNormFunction) node.function();
    Variable x = node.inputs().get(0);
    Form form = Values.natural(x) == Form.MAP ? values.cheapest(x) : Form.ROWS;
    String in = values.name(x, form);
    String weight = values.vector(node, 1, form);
    String bias = values.vector(node, 2, form);
    String out;
    if (form == Form.ROWS && !f.unbiased() && emitter.opset() >= 17) {
      out =
          emitter.node(
              "LayerNormalization",
              List.of(Attribute.of("axis", -1), Attribute.of("epsilon", (float) f.eps())),
              in,
              weight,
              bias);
    } else {
      int axis = form == Form.MAP ? 1 : -1;
      out = emitter.layerNorm(in, axis, weight, bias, f.eps(), f.unbiased(), x.dim(-1));
    }
    values.put(node.output(), form, out).gridOf(values.of(x));
  }

  void batchNorm(Trace.Node node) {
    BatchNormFunction f = frozen(node);
    Variable x = node.inputs().get(0);
    if (absorbedInputs.contains(x) && !values.isConstant(x)) {
      values.put(node.output(), values.of(x));
      return;
    }
    boolean channelsAreAxis1 = x.shape().rank() == 2 || values.of(x).hasGrid();
    if (foldBatchNorm || !channelsAreAxis1) {
      Form form = values.cheapest(x);
      Affine affine = affine(node, f);
      long c = x.dim(-1);
      long[] dims = form == Form.MAP ? new long[] {c, 1, 1} : new long[] {c};
      String scaled = emitter.node("Mul", values.name(x, form), affine.storeScale(dims));
      String out = emitter.node("Add", scaled, affine.storeShift(dims));
      values.put(node.output(), form, out).gridOf(values.of(x));
    } else {
      Form form = x.shape().rank() == 2 ? Form.ROWS : Form.MAP;
      String prefix = prefix(node);
      String out =
          emitter.node(
              "BatchNormalization",
              List.of(Attribute.of("epsilon", (float) f.eps())),
              values.name(x, form),
              values.vector(node, 1, Form.ROWS),
              values.vector(node, 2, Form.ROWS),
              statistic(f.runningMean(), prefix + "running_mean"),
              statistic(f.runningVar(), prefix + "running_var"));
      values.put(node.output(), form, out).gridOf(values.of(x));
    }
  }

  private static BatchNormFunction frozen(Trace.Node node) {
    BatchNormFunction f = (BatchNormFunction) node.function();
    if (f.training()) {
      throw new OnnxException(
          "export: "
              + GraphLowering.describe(node)
              + " used batch statistics: put the network into evaluation mode before tracing");
    }
    return f;
  }

  private String statistic(Tensor t, String fallback) {
    return emitter.constants().plain(t, emitter.constants().nameOf(t, fallback), t.elements());
  }

  /** State-dict prefix of a norm, with its dot: the name of its weight up to the last part. */
  private String prefix(Trace.Node node) {
    String weight = values.weightName(node, 1);
    return weight.substring(0, weight.lastIndexOf('.') + 1);
  }

  /** The affine map x·scale + shift that a frozen batch norm is. */
  private Affine affine(Trace.Node node, BatchNormFunction f) {
    Tensor w = values.weight(node, 1);
    Tensor b = values.weight(node, 2);
    double[] scale = new double[(int) w.elements()];
    double[] shift = new double[scale.length];
    for (int i = 0; i < scale.length; i++) {
      scale[i] = w.at(i) / Math.sqrt(f.runningVar().at(i) + f.eps());
      shift[i] = b.at(i) - f.runningMean().at(i) * scale[i];
    }
    return new Affine(node, scale, shift, List.of(w, b, f.runningMean(), f.runningVar()));
  }

  private final class Affine {
    private final Trace.Node node;
    private final double[] scale;
    private final double[] shift;
    private final List<Tensor> sources;

    Affine(Trace.Node node, double[] scale, double[] shift, List<Tensor> sources) {
      this.node = node;
      this.scale = scale;
      this.shift = shift;
      this.sources = sources;
    }

    String storeScale(long... dims) {
      return emitter
          .constants()
          .derived(sources, "_scale", values.weightName(node, 1), () -> floats(scale), dims);
    }

    String storeShift(long... dims) {
      // Named after the norm's bias; the sources are the same as the scale's, the suffix isn't.
      return emitter
          .constants()
          .derived(sources, "_shift", values.weightName(node, 2), () -> floats(shift), dims);
    }
  }

  private static float[] floats(double[] in) {
    float[] out = new float[in.length];
    for (int i = 0; i < in.length; i++) {
      out[i] = (float) in[i];
    }
    return out;
  }

  /** Weight and bias of a layer with the batch norm behind it multiplied in. */
  final class Folded {
    private final Trace.Node layer;
    private final Affine affine;
    private final List<Tensor> weightSources;

    private Folded(Trace.Node layer, Trace.Node norm) {
      this.layer = layer;
      this.affine = affine(norm, frozen(norm));
      this.weightSources =
          List.of(values.weight(layer, 1), affine.sources.get(0), affine.sources.get(3));
    }

    private float[] scaledWeight() {
      float[] w = values.weight(layer, 1).toFloatArray();
      int run = w.length / affine.scale.length;
      for (int i = 0; i < w.length; i++) {
        w[i] = (float) (w[i] * affine.scale[i / run]);
      }
      return w;
    }

    String weight(long... dims) {
      return emitter
          .constants()
          .derived(weightSources, "_folded", values.weightName(layer, 1), this::scaledWeight, dims);
    }

    String transposedWeight(int out, int in) {
      return emitter
          .constants()
          .derived(
              weightSources,
              "_folded_transposed",
              values.weightName(layer, 1),
              () -> Constants.transpose(scaledWeight(), 1, out, in),
              in,
              out);
    }

    String bias() {
      double[] bias = affine.shift.clone();
      if (layer.inputs().get(2) == null) {
        return affine.storeShift(bias.length);
      }
      Tensor b = values.weight(layer, 2);
      for (int i = 0; i < bias.length; i++) {
        bias[i] += b.at(i) * affine.scale[i];
      }
      List<Tensor> sources = new ArrayList<>(affine.sources);
      sources.add(b);
      return emitter
          .constants()
          .derived(
              sources, "_folded", values.weightName(layer, 2), () -> floats(bias), bias.length);
    }
  }

  /** What {@code layer} becomes with the batch norm that it absorbs, or null when there is none. */
  Folded foldedInto(Trace.Node layer) {
    Trace.Node norm = absorbed.get(layer);
    return norm == null ? null : new Folded(layer, norm);
  }
}
