package dev.changenet.onnx.lowering;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.OnnxException;
import dev.changenet.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** What can't be exported is refused with a reason. */
class GraphLoweringErrorsTest {
  private static void assertRefused(
      BiFunction<LoweringCase.Weights, Variable, Variable> network, int batch, String... parts) {
    LoweringCase c =
        new LoweringCase(
            "refused",
            List.of(new int[] {4, 3, 2}),
            (w, in) -> List.of(network.apply(w, in.get(0))));
    assertThatThrownBy(
            () ->
                c.export(
                    new LoweringCase.Weights(),
                    new LoweringOptions(17, true, true, Map.of()),
                    batch))
        .isInstanceOf(OnnxException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void lossesAreRefused() {
    Tensor labels = Tensor.of(new int[12], 1, 4, 3);
    assertRefused(
        (w, x) -> Functional.crossEntropy(x, labels, 255), 1, "cross_entropy", "computes a loss");
    assertRefused((w, x) -> Functional.mmIou(x, labels, 255), 1, "mm_iou", "computes a loss");
    assertRefused(
        (w, x) ->
            Functional.weightedSum(
                List.of(Functional.crossEntropy(x, labels, 255)), new float[] {1}),
        1,
        "computes a loss");
  }

  @Test
  void trainingModeIsRefused() {
    assertRefused(
        (w, x) ->
            Functional.batchNorm(
                x,
                w.get("w", 2),
                w.get("b", 2),
                w.statistic("running_mean", 2),
                w.statistic("running_var", 2),
                1e-5,
                0.1,
                true),
        1,
        "evaluation mode");
    assertRefused((w, x) -> Functional.residual(x, x, null, new float[] {1}), 1, "drop path");
  }

  @Test
  void operationsAcrossSamplesAreRefusedForADynamicBatch() {
    assertRefused((w, x) -> Functional.concat(0, x, x), 1, "stacks along the batch");
    assertRefused((w, x) -> Functional.narrow(x, 0, 0, 1), 2, "selects samples");
  }

  @Test
  void aConstantOfTheTracedBatchSizeIsRefusedForADynamicBatch() {
    assertRefused(
        (w, x) -> Functional.add(x, w.get("noise", 2, 4, 3, 2)), 2, "noise", "batch size");
  }

  @Test
  void aComputedWeightIsRefusedWithTheModuleThatHasIt() {
    assertRefused(
        (w, x) -> {
          Trace.enter("head.fc");
          Variable v = Functional.linear(x, Functional.reshape(firstToken(x), 1, 2), null);
          Trace.exit();
          return v;
        },
        1,
        "linear of head.fc",
        "depends on the network's inputs");
  }

  private static Variable firstToken(Variable x) {
    Variable tokens = Functional.mapToTokens(Functional.relu(x));
    return Functional.narrow(tokens, 1, 0, 1);
  }

  @Test
  void tokensUsedAsRowsOfAnUnalignedTableAreRefused() {
    assertRefused(
        (w, x) -> Functional.addRepeated(x, w.get("row", 3, 2)), 1, "add_repeated", "[3, 2]");
  }

  @Test
  void anUnsupportedOperatorSetIsRefused() {
    assertThatThrownBy(() -> new LoweringOptions(11, true, true, Map.of()))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("operator set 11 is not supported: choose 12 to 24");
  }
}
