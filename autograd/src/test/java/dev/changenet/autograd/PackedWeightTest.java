package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.function.BinaryOperator;
import org.junit.jupiter.api.Test;

/** Copies of a convolution's weights, which the kernels keep only as long as they are of use. */
class PackedWeightTest {
  private static final BinaryOperator<Variable> CONV =
      (x, w) -> Functional.conv2d(x, w, null, 1, 1, 1);
  private static final BinaryOperator<Variable> TRANSPOSED =
      (x, w) -> Functional.convTranspose2d(x, w, null, 2, 1);

  /** Two uses: linear weights are packed for the second. */
  private static final BinaryOperator<Variable> LINEAR =
      (x, w) -> Functional.linear(Functional.linear(x, w, null), w, null);

  private static Tensor zeros(int... shape) {
    return Tensor.zeros(Shape.of(shape), DType.FLOAT32, Device.CPU).detached();
  }

  /** Bytes that stay with the weight when the step is over. */
  private static long kept(
      BinaryOperator<Variable> convolution, int kernel, boolean taped, boolean trained) {
    try (Tensor x = zeros(1, 24, 24, 32);
        Tensor w = zeros(32, 32, kernel, kernel)) {
      long before = MemoryUse.liveBytes();
      Variable weight = new Variable(w, trained);
      Variable input = new Variable(x, true);
      try (Scope _ = Scope.open()) {
        if (taped) {
          try (Tape _ = Tape.open()) {
            Variable out = convolution.apply(input, weight);
            int[] labels = new int[(int) (out.data().elements() / 32)];
            Tensor target = Tensor.of(labels, 1, out.dim(1), out.dim(2));
            Functional.crossEntropy(out, target, 255).backward();
          }
        } else {
          assertThat(convolution.apply(input, weight).requiresGrad()).isFalse();
        }
        weight.zeroGrad();
        input.zeroGrad();
      }
      return MemoryUse.liveBytes() - before;
    }
  }

  @Test
  void stayForTheNextUseUnlessTheWeightIsTrained() {
    assertThat(kept(CONV, 3, false, true)).isPositive();
    assertThat(kept(CONV, 3, true, false)).isPositive();
    assertThat(kept(CONV, 3, true, true)).isZero();
    assertThat(kept(TRANSPOSED, 4, false, true)).isPositive();
    assertThat(kept(TRANSPOSED, 4, true, false)).isPositive();
    assertThat(kept(TRANSPOSED, 4, true, true)).isZero();
    assertThat(kept(LINEAR, 1, false, true)).isPositive();
    assertThat(kept(LINEAR, 1, true, false)).isPositive();
    assertThat(kept(LINEAR, 1, true, true)).isZero();
  }
}
