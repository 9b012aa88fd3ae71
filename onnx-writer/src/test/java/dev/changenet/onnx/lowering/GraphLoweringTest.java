package dev.changenet.onnx.lowering;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Op;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.Initializer;
import dev.changenet.onnx.OnnxModel;
import dev.changenet.onnx.OnnxNode;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every operation, exported at several operator sets and run by ONNX Runtime. */
class GraphLoweringTest {
  private static final int[] OPSETS = {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};

  static Stream<Arguments> casesAndOpsets() {
    return LoweringCases.byOp().values().stream()
        .flatMap(List::stream)
        .flatMap(
            c ->
                Arrays.stream(OPSETS)
                    .filter(o -> o >= c.firstOpset())
                    .mapToObj(o -> Arguments.of(c, o)));
  }

  static Stream<LoweringCase> cases() {
    return LoweringCases.byOp().values().stream().flatMap(List::stream);
  }

  private static LoweringOptions options(int opset, boolean dynamic, boolean fold) {
    return new LoweringOptions(opset, dynamic, fold, Map.of());
  }

  @ParameterizedTest(name = "{0}, opset {1}")
  @MethodSource("casesAndOpsets")
  void exportedGraphComputesWhatTheEngineComputes(LoweringCase c, int opset) {
    OnnxModel model = c.verify(options(opset, true, true), 1, 1, 3);
    assertThat(model.opset()).isEqualTo(opset);
    assertThat(model.graph().inputs().get(0).dims().get(0).symbol()).isEqualTo("batch_size");
    assertThat(model.graph().outputs().get(0).dims().get(0).symbol()).isEqualTo("batch_size");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void fixedBatchIsTheTracedOne(LoweringCase c) {
    OnnxModel model = c.verify(options(c.firstOpset(), false, false), 2, 2);
    assertThat(model.graph().inputs().get(0).dims().get(0).size()).isEqualTo(2);
    assertThat(model.graph().outputs().get(0).dims().get(0).size()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 14, 17, 24})
  void batchNormStaysANodeWhenNotFolded(int opset) {
    for (LoweringCase c : LoweringCases.byOp().get(Op.BATCH_NORM)) {
      OnnxModel model = c.verify(options(opset, true, false), 1, 1, 3);
      // Tokens of unknown map size have their channels last, where the operator can't take them.
      if (!c.toString().contains("tokens") && !c.toString().endsWith("linear layer")) {
        assertThat(operators(model)).as(c.toString()).contains("BatchNormalization");
      }
    }
  }

  @Test
  void batchNormIsAbsorbedByTheConvolutionInFrontOfIt() {
    LoweringCase c = find(Op.BATCH_NORM, "batch norm behind a conv");
    OnnxModel model = c.verify(options(17, true, true), 1, 1);
    assertThat(operators(model)).containsExactly("Conv");
  }

  @Test
  void everyExportableOperationHasACase() {
    Set<Op> training =
        EnumSet.of(
            Op.CROSS_ENTROPY,
            Op.FOCAL,
            Op.DICE,
            Op.MM_IOU,
            Op.WEIGHTED_SUM,
            Op.SAMPLE_TABLE,
            Op.CHECKPOINT);
    assertThat(LoweringCases.byOp().keySet())
        .containsExactlyInAnyOrderElementsOf(EnumSet.complementOf(EnumSet.copyOf(training)));
  }

  @Test
  void aCaseRunsTheOperationThatItIsFor() {
    LoweringCases.byOp()
        .forEach(
            (op, cases) ->
                cases.forEach(c -> assertThat(c.operations()).as(c.toString()).contains(op)));
  }

  @Test
  void weightsKeepTheirStateDictNames() {
    LoweringCase c = find(Op.LINEAR, "tokens widened and used as a map");
    OnnxModel model = c.export(new LoweringCase.Weights(), options(17, true, true), 1);
    assertThat(model.graph().initializers())
        .extracting(Initializer::name)
        .contains("fc1.weight", "fc1.bias", "dw.weight", "dw.bias", "gamma", "fc2.weight");
  }

  @Test
  void matrixOfTokensIsStoredTransposed() {
    LoweringCase c = find(Op.LINEAR, "linear on tokens");
    OnnxModel model = c.export(new LoweringCase.Weights(), options(17, true, true), 1);
    assertThat(model.graph().initializers())
        .extracting(i -> i.name() + i.dims())
        .containsExactlyInAnyOrder("fc.weight_transposed[8, 5]", "fc.bias[5]");
  }

  @Test
  void aTableThatDependsOnNoInputBecomesOneConstant() {
    LoweringCase c = find(Op.ADD_REPEATED, "tokens plus a projected table");
    OnnxModel model = c.verify(options(17, true, true), 1, 1);
    assertThat(operators(model)).containsExactly("Add");
    assertThat(model.graph().initializers()).hasSize(1);
  }

  @Test
  void viewsThatCancelCostNoNode() {
    LoweringCase c =
        new LoweringCase(
            "round trip",
            List.of(new int[] {4, 3, 8}),
            (w, in) -> {
              Variable t = Functional.mapToTokens(Functional.relu(in.get(0)));
              return List.of(Functional.relu(Functional.tokensToMap(t, 4, 3)));
            });
    assertThat(operators(c.verify(options(17, true, true), 1, 2))).containsExactly("Relu", "Relu");
  }

  @Test
  void weightsSharedByTwoCallsAreStoredOnce() {
    LoweringCase c =
        new LoweringCase(
            "siamese",
            List.of(new int[] {12, 8}, new int[] {12, 8}),
            (w, in) ->
                List.of(
                    LoweringCases.linear(w, "fc", in.get(0), 4),
                    LoweringCases.linear(w, "fc", in.get(1), 4)));
    OnnxModel model = c.verify(options(17, true, true), 1, 1, 3);
    assertThat(model.graph().initializers()).hasSize(2);
    assertThat(model.graph().nodes()).hasSize(4);
  }

  @Test
  void inputsAndRepeatedValuesCanBeOutputs() {
    LoweringCase c =
        new LoweringCase(
            "outputs",
            List.of(new int[] {4, 3, 8}),
            (w, in) -> {
              Variable r = Functional.relu(in.get(0));
              return List.of(in.get(0), r, r, w.get("table", 2, 3), Functional.gelu(r));
            });
    OnnxModel model = c.verify(options(20, true, true), 1, 1, 3);
    assertThat(operators(model)).containsOnlyOnce("Relu");
  }

  @Test
  void aVariableWrappedAnewIsTheSameValue() {
    LoweringCase c =
        new LoweringCase(
            "cut-off gradient",
            List.of(new int[] {12, 8}),
            (w, in) -> {
              Variable cut = new Variable(Functional.relu(in.get(0)).data());
              return List.of(Functional.gelu(cut));
            });
    assertThat(operators(c.verify(options(20, true, true), 1, 1, 3)))
        .containsExactly("Relu", "Gelu");
  }

  @Test
  void exportIsReproducible() {
    LoweringCase c = find(Op.CHANNEL_GATE, "channel gate");
    LoweringOptions o = options(17, true, true);
    byte[] first = c.export(new LoweringCase.Weights(), o, 1).toProto().toByteArray();
    byte[] second = c.export(new LoweringCase.Weights(), o, 1).toProto().toByteArray();
    assertThat(second).isEqualTo(first);
  }

  private static LoweringCase find(Op op, String name) {
    return LoweringCases.byOp().get(op).stream()
        .filter(c -> c.toString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  static List<String> operators(OnnxModel model) {
    return model.graph().nodes().stream().map(OnnxNode::operator).toList();
  }
}
