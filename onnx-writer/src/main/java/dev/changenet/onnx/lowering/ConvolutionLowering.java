package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.Conv2dFunction;
import dev.changenet.autograd.function.ConvTranspose2dFunction;
import dev.changenet.autograd.function.TokensToMapFunction;
import dev.changenet.onnx.Attribute;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import java.util.List;

/** Linear layers, convolutions and transposed convolutions. */
final class ConvolutionLowering {
  private final TraceGraph trace;
  private final Emitter emitter;
  private final Values values;
  private final NormalizationLowering normalizations;

  ConvolutionLowering(
      TraceGraph trace, Emitter emitter, Values values, NormalizationLowering normalizations) {
    this.trace = trace;
    this.emitter = emitter;
    this.values = values;
    this.normalizations = normalizations;
  }

  void conv2d(Trace.Node node) {
    Conv2dFunction f = (Conv2dFunction) node.function();
    Tensor w = values.weight(node, 1);
    String out =
        convolution(
            "Conv",
            node,
            values.name(node.inputs().get(0), Form.MAP),
            Values.longs(w.shape().toArray()),
            f.geometry());
    values.put(node.output(), Form.MAP, f.relu() ? emitter.node("Relu", out) : out);
  }

  void conv2dPair(Trace.Node node) {
    String x = values.name(node.inputs().get(0), Form.MAP);
    String between = same3x3(x, node, 1, values.bias(node, 2));
    values.put(node.output(), Form.MAP, same3x3(between, node, 3, null));
  }

  /** A 3×3 convolution that keeps the size, with weight number {@code weight} of the node. */
  private String same3x3(String x, Trace.Node node, int weight, String bias) {
    Tensor w = values.weight(node, weight);
    String name =
        emitter
            .constants()
            .plain(w, values.weightName(node, weight), Values.longs(w.shape().toArray()));
    return emitter.convolution("Conv", x, name, bias, new Emitter.Geometry(3, 3, 1, 1, 1));
  }

  void convTranspose2d(Trace.Node node) {
    ConvTranspose2dFunction f = (ConvTranspose2dFunction) node.function();
    Tensor w = values.weight(node, 1);
    String out =
        convolution(
            "ConvTranspose",
            node,
            values.name(node.inputs().get(0), Form.MAP),
            Values.longs(w.shape().toArray()),
            f.geometry());
    values.put(node.output(), Form.MAP, out);
  }

  /** A linear layer: 1x1 convolution of a map, matrix product of tokens. */
  void linear(Trace.Node node) {
    Variable x = node.inputs().get(0);
    Tensor w = values.weight(node, 1);
    int out = w.dim(0);
    int in = x.dim(-1);
    Form form = linearForm(node, x);
    String name;
    if (form == Form.MAP) {
      name =
          convolution(
              "Conv",
              node,
              values.name(x, Form.MAP),
              new long[] {out, in, 1, 1},
              new ConvGeometry(1, 0, 1));
    } else {
      NormalizationLowering.Folded folded = normalizations.foldedInto(node);
      String rows = values.name(x, Form.ROWS);
      String bias = folded == null ? values.bias(node, 2) : folded.bias();
      if (x.shape().rank() == 2) {
        name = gemm(node, rows, folded, bias, out, in);
      } else {
        String weight =
            folded == null
                ? emitter.constants().transposed(w, values.weightName(node, 1), 1, out, in, in, out)
                : folded.transposedWeight(out, in);
        name = emitter.node("MatMul", rows, weight);
        if (bias != null) {
          name = emitter.node("Add", name, bias);
        }
      }
    }
    values.put(node.output(), form, name).gridOf(values.of(x));
  }

  private String gemm(
      Trace.Node node,
      String x,
      NormalizationLowering.Folded folded,
      String bias,
      int out,
      int in) {
    String weight =
        folded == null
            ? emitter.constants().plain(values.weight(node, 1), values.weightName(node, 1), out, in)
            : folded.weight(out, in);
    List<Attribute> attributes = List.of(Attribute.of("transB", 1));
    return bias == null
        ? emitter.node("Gemm", attributes, x, weight)
        : emitter.node("Gemm", attributes, x, weight, bias);
  }

  private Form linearForm(Trace.Node node, Variable x) {
    int rank = x.shape().rank();
    if (rank < 3) {
      return Form.ROWS;
    }
    LoweredValue value = values.of(x);
    if (!value.has(Form.ROWS) || rank == 4) {
      return Form.MAP;
    }
    return becomesMap(node, value) ? Form.MAP : Form.ROWS;
  }

  /** True when the tokens that {@code node} computes are used as a map, or pointwise, only. */
  private boolean becomesMap(Trace.Node node, LoweredValue x) {
    boolean map = false;
    for (Trace.Node consumer : trace.consumers(node.output())) {
      switch (consumer.function().op()) {
        case TOKENS_TO_MAP -> {
          TokensToMapFunction f = (TokensToMapFunction) consumer.function();
          if (x.hasGrid() && !x.hasGrid(f.height(), f.width())) {
            return false;
          }
          x.grid(f.height(), f.width());
          map = true;
        }
        case ACTIVATION, SWIGLU, ADD, ADD_PER_SAMPLE, SCALE, CAST, RESIDUAL, BATCH_NORM, LINEAR -> {
          // Works in either form.
        }
        case CONV2D,
            CONV2D_PAIR,
            CONV_TRANSPOSE2D,
            LAYER_NORM,
            ADD_REPEATED,
            CONCAT,
            NARROW,
            MAP_TO_TOKENS,
            RESHAPE,
            REPEAT_BATCH,
            SOFTMAX,
            ATTENTION,
            DEFORMABLE_ATTENTION,
            CHANNEL_GATE,
            RESIZE,
            MAX_POOL2D,
            SAMPLE_TABLE,
            CROSS_ENTROPY,
            FOCAL,
            DICE,
            MM_IOU,
            WEIGHTED_SUM,
            ATTACH_IDLE,
            CHECKPOINT -> {
          return false;
        }
      }
    }
    return map && !trace.isOutput(node.output());
  }

  private String convolution(
      String operator, Trace.Node node, String x, long[] weightShape, ConvGeometry g) {
    NormalizationLowering.Folded folded = normalizations.foldedInto(node);
    String weight =
        folded == null
            ? emitter
                .constants()
                .plain(values.weight(node, 1), values.weightName(node, 1), weightShape)
            : folded.weight(weightShape);
    String bias = folded == null ? values.bias(node, 2) : folded.bias();
    return emitter.convolution(
        operator,
        x,
        weight,
        bias,
        new Emitter.Geometry(
            (int) weightShape[2], (int) weightShape[3], g.stride(), g.padding(), g.groups()));
  }
}
