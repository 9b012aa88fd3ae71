package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.Loss;
import dev.changenet.testing.CudaStub;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Nobody waits for labels on a GPU, so its kernels must do without right ones. */
@Tag("cuda-stub")
class CudaLossTest {
  private static final int IGNORE = 255;

  /** One of the losses. */
  private interface Call {
    void run(Loss ops, Tensor logits, Tensor labels, Tensor loss, Tensor grad);
  }

  @BeforeAll
  static void build() {
    CudaStub.build();
  }

  static Stream<Arguments> losses() {
    Call crossEntropy = (ops, x, t, loss, grad) -> ops.crossEntropy(x, t, IGNORE, loss, grad);
    Call focal =
        (ops, x, t, loss, grad) -> ops.focal(x, t, IGNORE, new float[] {1, 2}, 2, loss, grad);
    Call dice = (ops, x, t, loss, grad) -> ops.dice(x, t, IGNORE, loss, grad);
    Call mmIou = (ops, x, t, loss, grad) -> ops.mmIou(x, t, IGNORE, loss, grad);
    return Stream.of(
        Arguments.of("cross_entropy", crossEntropy),
        Arguments.of("focal", focal),
        Arguments.of("dice", dice),
        Arguments.of("mmiou", mmIou));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("losses")
  void aLabelThatIsNoClassCountsAsIgnored(String name, Call call) {
    float[] expected = run(call, 0, IGNORE, 1, IGNORE, 1);
    assertThat(run(call, 0, 2, 1, -1, 1)).as(name).isEqualTo(expected);
    assertThat(run(call, 0, 1 << 30, 1, Integer.MIN_VALUE, 1)).as(name).isEqualTo(expected);
  }

  /** The loss and the gradients of five pixels of two classes. */
  private static float[] run(Call call, int... labels) {
    try (Scope _ = Scope.open()) {
      Device gpu = Device.cuda(0);
      Tensor logits =
          Tensor.of(new float[] {0.5f, -1, 2, 1, 0.3f, 0.1f, -2, 1, 1, 3}, 1, 1, 5, 2).to(gpu);
      Tensor loss = logits.emptyLike(1);
      Tensor grad = logits.emptyLike();
      Tensor t = Tensor.of(labels, 1, 1, 5).to(gpu);
      call.run(Backends.of(gpu).loss(), logits, t, loss, grad);
      float[] all = new float[11];
      all[0] = (float) loss.item();
      System.arraycopy(grad.toFloatArray(), 0, all, 1, 10);
      return all;
    }
  }
}
