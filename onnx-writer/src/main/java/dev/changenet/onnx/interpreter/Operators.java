package dev.changenet.onnx.interpreter;

import java.util.Map;

/** What each operator computes, by name. */
final class Operators {
  /** Computes a node's output. */
  interface Operator {
    NdArray compute(Call call);
  }

  private static final Map<String, Operator> ALL =
      Map.ofEntries(
          Map.entry("Conv", Convolutions::conv),
          Map.entry("ConvTranspose", Convolutions::convTranspose),
          Map.entry("MatMul", Matrices::matMul),
          Map.entry("Gemm", Matrices::gemm),
          Map.entry("Add", c -> Pointwise.binary(c, (x, y) -> x + y)),
          Map.entry("Sub", c -> Pointwise.binary(c, (x, y) -> x - y)),
          Map.entry("Mul", c -> Pointwise.binary(c, (x, y) -> x * y)),
          Map.entry("Div", c -> Pointwise.binary(c, (x, y) -> x / y)),
          Map.entry("Sqrt", c -> Pointwise.unary(c, Math::sqrt)),
          Map.entry("Erf", c -> Pointwise.unary(c, ErrorFunction::erf)),
          Map.entry("Sin", c -> Pointwise.unary(c, Math::sin)),
          Map.entry("Relu", c -> Pointwise.unary(c, x -> Math.max(x, 0))),
          Map.entry("Sigmoid", c -> Pointwise.unary(c, Pointwise::sigmoid)),
          Map.entry("Gelu", Pointwise::gelu),
          Map.entry("ReduceMean", c -> Reductions.reduce(c, true)),
          Map.entry("ReduceSum", c -> Reductions.reduce(c, false)),
          Map.entry("Softmax", Reductions::softmax),
          Map.entry("LayerNormalization", Reductions::layerNorm),
          Map.entry("BatchNormalization", Reductions::batchNorm),
          Map.entry("MaxPool", Sampling::maxPool),
          Map.entry("GridSample", Sampling::gridSample),
          Map.entry("Resize", Resizing::resize),
          Map.entry("Reshape", Layouts::reshape),
          Map.entry("Transpose", Layouts::transpose),
          Map.entry("Concat", Layouts::concat),
          Map.entry("Slice", Layouts::slice),
          Map.entry("Gather", Layouts::gather),
          Map.entry("Expand", Layouts::expand),
          Map.entry("Shape", Layouts::shape),
          Map.entry("Cast", Layouts::cast),
          Map.entry("Range", Layouts::range),
          Map.entry("Identity", c -> c.input(0)));

  private Operators() {}

  /** The operator, or null when it isn't known. */
  static Operator find(String name) {
    return ALL.get(name);
  }
}
