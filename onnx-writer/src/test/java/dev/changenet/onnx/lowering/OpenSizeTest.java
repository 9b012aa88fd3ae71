package dev.changenet.onnx.lowering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.Dimension;
import dev.changenet.onnx.OnnxChecker;
import dev.changenet.onnx.OnnxException;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.interpreter.NdArray;
import dev.changenet.onnx.interpreter.OnnxInterpreter;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ResizeGeometry;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Graphs of open height and width: traced at one size, right at others. */
class OpenSizeTest {
  private static final SineTable TABLE = new SineTable(4, 100, 1e-6);

  private interface Network extends BiFunction<LoweringCase.Weights, Variable, Variable> {}

  private static Variable input(int n, int h, int w) {
    return new Variable(LoweringCase.random(h * w + n, 1, n, h, w, 3));
  }

  private static OnnxModel export(
      LoweringCase.Weights weights, Network network, int opset, int h, int w) {
    try (Scope _ = Scope.open();
        Trace trace = Trace.open()) {
      Variable in = input(1, h, w);
      Variable out = network.apply(weights, in);
      return GraphLowering.lower(
          trace,
          List.of(in),
          List.of("input0"),
          List.of(out),
          List.of("output0"),
          new IdentityHashMap<>(weights.names()),
          new LoweringOptions(
              opset, true, true, Optional.of(new LoweringOptions.OpenSize(TABLE)), Map.of()));
    }
  }

  /** The table as a network makes it. */
  private static Variable table(int h, int w) {
    float[] v = new float[h * w * 8];
    for (int i = 0; i < v.length; i++) {
      int k = i % 8;
      int place = k < 4 ? i / 8 / w : i / 8 % w;
      double turn =
          2 * Math.PI * (place + 1) / ((k < 4 ? h : w) + 1e-6) / Math.pow(100, (k % 4 / 2) / 2.0);
      v[i] = (float) (k % 2 == 0 ? Math.sin(turn) : Math.cos(turn));
    }
    return new Variable(Tensor.of(v, 1, h, w, 8));
  }

  /** Halves the map, adds projected positions, works on tokens, enlarges again. */
  private static Variable network(LoweringCase.Weights w, Variable x) {
    Variable grid = LoweringCases.conv(w, "stem", x, 6, 2, 2, 0);
    int height = grid.dim(1);
    int width = grid.dim(2);
    Variable positions = LoweringCases.linear(w, "positions", table(height, width), 6);
    Variable t = Functional.mapToTokens(Functional.addRepeated(grid, positions));
    t = LoweringCases.layerNorm(w, "norm", t, 1e-6, false);
    t = Functional.attention(t, LoweringCases.linear(w, "kv", t, 12), 2);
    Variable map = Functional.tokensToMap(t, height, width);
    map = LoweringCases.depthwise(w, "dw", map, 3);
    return Functional.interpolate(map, ResizeGeometry.Mode.BILINEAR, 2 * height, 2 * width, false);
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 14, 17, 18, 20, 24})
  void outputsAreRightAtOtherSizes(int opset) {
    LoweringCase.Weights weights = new LoweringCase.Weights();
    OnnxModel model = export(weights, OpenSizeTest::network, opset, 8, 12);
    OnnxChecker.check(model.toProto());
    assertThat(model.graph().inputs().get(0).dims())
        .extracting(Dimension::toString)
        .containsExactly("batch_size", "3", "height", "width");
    try (OrtRunner runner = new OrtRunner(model.toProto().toByteArray());
        OnnxInterpreter interpreter = OnnxInterpreter.of(model.toProto(), Path.of("memory"))) {
      for (int[] size : new int[][] {{1, 8, 12}, {2, 12, 8}, {3, 2, 2}, {1, 6, 20}}) {
        try (Scope _ = Scope.open()) {
          Variable in = input(size[0], size[1], size[2]);
          float[] expected = network(weights, in).data().toFloatArray();
          OrtRunner.Data data = new OrtRunner.Data(in.shape(), in.data().toFloatArray());
          assertClose(runner.run(Map.of("input0", data)).get("output0").values(), expected);
          float[] nchw =
              Constants.transpose(in.data().toFloatArray(), size[0], size[1] * size[2], 3);
          NdArray out =
              interpreter
                  .run(Map.of("input0", NdArray.of(nchw, size[0], 3, size[1], size[2])))
                  .get("output0");
          assertThat(out.dims()).containsExactly(size[0], 6, size[1], size[2]);
          assertClose(Constants.transpose(out.floats(), size[0], 6, size[1] * size[2]), expected);
        }
      }
    }
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i])).as("element %d", i).isLessThan(2e-5f);
    }
  }

  private static void assertRefused(Network network, String... parts) {
    assertThatThrownBy(() -> export(new LoweringCase.Weights(), network, 17, 8, 12))
        .isInstanceOf(OnnxException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void whatHoldsTheTracedSizeIsRefused() {
    assertRefused(
        (w, x) -> Functional.addRepeated(x, w.get("table", 1, 8, 12, 3)), "table", "traced size");
    assertRefused((w, x) -> Functional.narrow(x, 1, 0, 4), "narrow", "traced size");
    assertRefused(
        (w, x) -> Functional.interpolate(x, ResizeGeometry.Mode.BILINEAR, 8, 13, false),
        "resize",
        "traced size");
    assertRefused(
        (w, x) -> Functional.reshape(Functional.mapToTokens(x), 1, 8 * 12 * 3),
        "reshape",
        "traced size");
  }

  @Test
  void tableOfAnotherFormulaIsAConstant() {
    assertRefused(
        (w, x) ->
            Functional.addRepeated(
                x, LoweringCases.linear(w, "p", Functional.scale(table(8, 12), 1.01f), 3)),
        "traced size");
  }
}
