package dev.changenet.onnx.lowering;

import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.ConcatFunction;
import dev.changenet.autograd.function.NarrowFunction;
import dev.changenet.autograd.function.ScaleFunction;
import dev.changenet.autograd.function.TokensToMapFunction;
import dev.changenet.onnx.Dimension;
import dev.changenet.onnx.ElementType;
import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.OnnxGraph;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.ValueInfo;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Translates a forward pass, traced in evaluation mode, into an ONNX model in NCHW layout.
 *
 * <p>Variables of rank 4 become maps [B, C, H, W]; all others keep the engine's order. Operations
 * whose operands are all known are not exported: the traced result becomes a constant.
 */
public final class GraphLowering {
  /** Name of the open axis 0. */
  public static final String BATCH_AXIS = "batch_size";

  private final TraceGraph trace;
  private final OnnxGraph graph = new OnnxGraph("changenet");
  private final Emitter emitter;
  private final OpenSizes sizes;
  private final Values values;
  private final ConvolutionLowering convolutions;
  private final NormalizationLowering normalizations;
  private final AttentionLowering attentions;
  private final PointwiseLowering pointwise;
  private final ResizeLowering resizes;
  private final SamplingLowering samplings;

  private GraphLowering(
      Trace trace,
      List<Variable> outputs,
      Map<Variable, String> parameterNames,
      LoweringOptions options) {
    this.trace = new TraceGraph(trace, outputs);
    Constants constants = new Constants(graph, parameterNames);
    emitter = new Emitter(graph, constants, options.opset());
    sizes = new OpenSizes(emitter, options.openSize().map(LoweringOptions.OpenSize::positions));
    values = new Values(emitter, options.dynamicBatch(), sizes);
    normalizations =
        new NormalizationLowering(this.trace, emitter, values, options.foldBatchNorm());
    convolutions = new ConvolutionLowering(this.trace, emitter, values, normalizations);
    attentions = new AttentionLowering(this.trace, emitter, values);
    pointwise = new PointwiseLowering(emitter, values);
    resizes = new ResizeLowering(emitter, values, sizes);
    samplings = new SamplingLowering(emitter, values);
  }

  /**
   * Lowers {@code trace}. The traced tensors must still be open, on the CPU.
   *
   * @param inputs variables that become graph inputs, [B, H, W, C] → [B, C, H, W]
   * @param outputs variables that become graph outputs
   * @param parameterNames state-dict names of parameters; a leaf that is neither here nor an input
   *     becomes an unnamed constant
   * @throws OnnxException when the trace holds an operation that can't be exported
   */
  public static OnnxModel lower(
      Trace trace,
      List<Variable> inputs,
      List<String> inputNames,
      List<Variable> outputs,
      List<String> outputNames,
      Map<Variable, String> parameterNames,
      LoweringOptions options) {
    if (inputs.size() != inputNames.size() || outputs.size() != outputNames.size()) {
      throw new IllegalArgumentException(
          "export: "
              + inputs.size()
              + " inputs with names "
              + inputNames
              + ", "
              + outputs.size()
              + " outputs with names "
              + outputNames);
    }
    GraphLowering lowering = new GraphLowering(trace, outputs, parameterNames, options);
    lowering.run(inputs, inputNames, outputs, outputNames);
    return new OnnxModel(lowering.graph, options.opset(), options.metadata());
  }

  /** Traced height and width of the inputs, which the names of other sizes refer to. */
  private int[] full = {};

  private void run(
      List<Variable> inputs,
      List<String> inputNames,
      List<Variable> outputs,
      List<String> outputNames) {
    if (sizes.open()) {
      full = new int[] {inputs.get(0).dim(1), inputs.get(0).dim(2)};
    }
    for (int i = 0; i < inputs.size(); i++) {
      Variable v = inputs.get(i);
      String name = graph.addInput(signature(inputNames.get(i), v, true));
      values.put(v, Values.natural(v), name);
    }
    outputNames.forEach(graph::reserve);
    trace.nodes().forEach(this::lower);
    emitter.enter("");
    List<String> results = new ArrayList<>();
    for (Variable v : outputs) {
      results.add(values.name(v, Values.natural(v)));
    }
    for (int i = 0; i < outputs.size(); i++) {
      Variable v = outputs.get(i);
      graph.addOutput(signature(outputNames.get(i), v, !values.isConstant(v)), results.get(i));
    }
  }

  private ValueInfo signature(String name, Variable v, boolean hasBatch) {
    int[] shape = v.shape().toArray();
    if (shape.length == 4) {
      shape = new int[] {shape[0], shape[3], shape[1], shape[2]};
    }
    List<Dimension> dims = new ArrayList<>();
    for (int i = 0; i < shape.length; i++) {
      if (i == 0 && hasBatch && values.dynamicBatch()) {
        dims.add(Dimension.dynamic(BATCH_AXIS));
      } else if (i >= 2 && shape.length == 4 && hasBatch && sizes.open()) {
        dims.add(Dimension.dynamic(sizeName(i - 2, shape[i])));
      } else {
        dims.add(Dimension.fixed(shape[i]));
      }
    }
    return new ValueInfo(name, ElementType.FLOAT, dims);
  }

  /** {@code height}, or {@code height_div_4} for maps of a quarter of the input's. */
  private String sizeName(int axis, int size) {
    String name = axis == 0 ? "height" : "width";
    return size == full[axis] ? name : name + "_div_" + full[axis] / size;
  }

  /** An operation as named in messages. */
  static String describe(Trace.Node node) {
    String op = node.function().op().name().toLowerCase(Locale.ROOT);
    return node.path().isEmpty() ? op : op + " of " + node.path();
  }

  private void lower(Trace.Node node) {
    if (sizes.projectsPositions(node, values)) {
      emitter.enter(node.path());
      values.put(node.output(), Form.MAP, sizes.positions(node, values));
      return;
    }
    if (fold(node)) {
      return;
    }
    emitter.enter(node.path());
    switch (node.function().op()) {
      case LINEAR -> {
        if (!attentions.splits(node)) {
          convolutions.linear(node);
        }
      }
      case CONV2D -> convolutions.conv2d(node);
      case CONV2D_PAIR -> convolutions.conv2dPair(node);
      case CONV_TRANSPOSE2D -> convolutions.convTranspose2d(node);
      case LAYER_NORM -> normalizations.layerNorm(node);
      case BATCH_NORM -> normalizations.batchNorm(node);
      case ACTIVATION -> pointwise.activation(node);
      case SWIGLU -> pointwise.swiglu(node);
      case ADD -> pointwise.add(node);
      case ADD_REPEATED -> pointwise.addRepeated(node);
      case ADD_PER_SAMPLE -> pointwise.addPerSample(node);
      case SCALE -> pointwise.scale(node, ((ScaleFunction) node.function()).alpha());
      case RESIDUAL -> pointwise.residual(node);
      case CONCAT -> concat(node, ((ConcatFunction) node.function()).dim());
      case NARROW -> narrow(node, (NarrowFunction) node.function());
      case MAP_TO_TOKENS -> mapToTokens(node);
      case TOKENS_TO_MAP -> tokensToMap(node, (TokensToMapFunction) node.function());
      case RESHAPE -> reshape(node);
      case REPEAT_BATCH -> repeatBatch(node);
      case SOFTMAX -> attentions.softmax(node);
      case ATTENTION -> attentions.attention(node);
      case DEFORMABLE_ATTENTION -> {
        sizes.refuse(node);
        samplings.deformableAttention(node);
      }
      case CHANNEL_GATE -> attentions.channelGate(node);
      case RESIZE -> resizes.resize(node);
      case MAX_POOL2D -> samplings.maxPool2d(node);
      case SAMPLE_TABLE, CHECKPOINT ->
          throw new OnnxException(
              "export: "
                  + describe(node)
                  + " belongs to training: put the network into evaluation mode before tracing");
      case CROSS_ENTROPY, FOCAL, DICE, MM_IOU, WEIGHTED_SUM ->
          throw new OnnxException(
              "export: "
                  + describe(node)
                  + " computes a loss, which an exported network can't contain: trace the forward"
                  + " pass only");
      // Exported networks compute in float32 throughout.
      case ATTACH_IDLE, CAST -> values.put(node.output(), values.of(node.inputs().get(0)));
    }
  }

  /** Turns a result that doesn't depend on the inputs into a constant. */
  private boolean fold(Trace.Node node) {
    for (Variable v : TraceGraph.operands(node)) {
      if (attentions.isSplit(v) || !values.isConstant(v)) {
        return false;
      }
    }
    Tensor result = node.output().data();
    if (result.isClosed()) {
      return false;
    }
    String fallback = node.path().isEmpty() ? "folded" : node.path() + "/folded";
    values.put(
        node.output(), LoweredValue.constant(result, emitter.constants().nameOf(result, fallback)));
    return true;
  }

  private void mapToTokens(Trace.Node node) {
    values.put(node.output(), values.of(node.inputs().get(0)));
  }

  private void tokensToMap(Trace.Node node, TokensToMapFunction f) {
    LoweredValue tokens = values.of(node.inputs().get(0));
    if (tokens.hasGrid() && !tokens.hasGrid(f.height(), f.width())) {
      // Another grid on the same tokens: the rows are what both have in common.
      tokens = LoweredValue.computed(Form.ROWS, values.name(node.inputs().get(0), Form.ROWS));
    }
    values.put(node.output(), tokens.grid(f.height(), f.width()));
  }

  /** Axis of dimension {@code dim} of a traced variable in {@code form}. */
  static int axis(Variable v, int dim, Form form) {
    int rank = v.shape().rank();
    if (form == Form.MAP) {
      if (rank == 4) {
        return new int[] {0, 2, 3, 1}[dim];
      }
      return dim == 0 ? 0 : 1;
    }
    return rank == 4 && dim == 3 ? 2 : dim;
  }

  /** Spatial dimensions can be addressed in the natural form only; batch and channels in both. */
  private static boolean spatial(Variable v, int dim) {
    return dim != 0 && dim != v.shape().rank() - 1;
  }

  private void concat(Trace.Node node, int dim) {
    Variable[] parts = node.inputs().toArray(Variable[]::new);
    Form form = spatial(parts[0], dim) ? Values.natural(parts[0]) : values.cheapest(parts);
    if (dim == 0 && values.dynamicBatch()) {
      throw new OnnxException(
          "export: "
              + describe(node)
              + " stacks along the batch, which a dynamic batch doesn't allow: call the network"
              + " once per image");
    }
    String[] names = new String[parts.length];
    for (int i = 0; i < parts.length; i++) {
      names[i] = values.name(parts[i], form);
    }
    String out = names.length == 1 ? names[0] : emitter.concat(axis(parts[0], dim, form), names);
    LoweredValue result = values.put(node.output(), form, out);
    if (!spatial(parts[0], dim)) {
      result.gridOf(values.of(parts[0]));
    }
  }

  private void narrow(Trace.Node node, NarrowFunction f) {
    Variable x = node.inputs().get(0);
    int dim = f.dim();
    if (dim == 0 && values.dynamicBatch()) {
      throw new OnnxException(
          "export: "
              + describe(node)
              + " selects samples, which a dynamic batch doesn't allow: export with a fixed batch");
    }
    if (spatial(x, dim)) {
      sizes.refuse(node);
    }
    Form form = spatial(x, dim) ? Values.natural(x) : values.cheapest(x);
    String out =
        emitter.slice(
            values.name(x, form), axis(x, dim, form), f.start(), f.start() + (long) f.length());
    LoweredValue result = values.put(node.output(), form, out);
    if (!spatial(x, dim)) {
      result.gridOf(values.of(x));
    }
  }

  private void reshape(Trace.Node node) {
    sizes.refuse(node);
    Variable x = node.inputs().get(0);
    int[] shape = node.output().shape().toArray();
    if (shape.length > 3 || x.shape().rank() > 3 || shape[0] != x.dim(0)) {
      throw new OnnxException(
          "export: "
              + describe(node)
              + " reshapes "
              + x.shape()
              + " to "
              + node.output().shape()
              + "; only rows that stay in their sample can be exported");
    }
    long[] dims = Values.longs(shape);
    dims[0] = 0;
    values.put(node.output(), Form.ROWS, emitter.reshape(values.name(x, Form.ROWS), dims));
  }

  private void repeatBatch(Trace.Node node) {
    Variable x = node.inputs().get(0);
    Variable like = node.inputs().get(1);
    Form form = Values.natural(x);
    int rank = x.shape().rank();
    long[] ones = new long[rank - 1];
    Arrays.fill(ones, 1);
    String shape;
    if (values.dynamicBatch()) {
      LoweredValue batch = values.of(like);
      if (batch.isConstant()) {
        throw new OnnxException(
            "export: " + describe(node) + " takes the batch size from a constant");
      }
      String source = batch.name(Form.MAP) != null ? batch.name(Form.MAP) : batch.name(Form.ROWS);
      shape = emitter.batchSize(source);
      if (rank > 1) {
        shape = emitter.concat(0, shape, emitter.constants().ints(ones));
      }
    } else {
      long[] dims = new long[rank];
      Arrays.fill(dims, 1);
      dims[0] = like.dim(0);
      shape = emitter.constants().ints(dims);
    }
    values.put(node.output(), form, emitter.node("Expand", values.name(x, form), shape));
  }
}
