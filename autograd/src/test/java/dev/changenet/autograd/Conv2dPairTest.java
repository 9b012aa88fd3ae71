package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients of two joined convolutions where not every input wants one. */
class Conv2dPairTest {
  private static Variable random(boolean grad, long seed, int... shape) {
    int n = 1;
    for (int d : shape) {
      n *= d;
    }
    Random random = new Random(seed);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return new Variable(Tensor.of(values, shape), grad);
  }

  private static Variable[] inputs(int without) {
    return new Variable[] {
      random(without != 0, 1, 2, 6, 7, 16),
      random(without != 1, 2, 32, 16, 3, 3),
      random(without != 2, 3, 32),
      random(without != 3, 4, 2, 32, 3, 3)
    };
  }

  private static void backward(Variable logits) {
    int[] labels = new Random(5).ints(logits.data().elements() / 2, 0, 2).toArray();
    Functional.crossEntropy(logits, Tensor.of(labels, 2, 6, 7), 255).backward();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 2, 3})
  void equalThoseOfTwoConvolutions(int without) {
    try (Scope _ = Scope.open()) {
      Variable[] joined = inputs(without);
      Variable[] plain = inputs(without);
      try (Tape _ = Tape.open()) {
        backward(Functional.conv2dPair(joined[0], joined[1], joined[2], joined[3]));
      }
      try (Tape _ = Tape.open()) {
        Variable between = Functional.conv2d(plain[0], plain[1], plain[2], 1, 1, 1);
        backward(Functional.conv2d(between, plain[3], null, 1, 1, 1));
      }
      assertThat(joined[0].data().device()).isEqualTo(Device.CPU);
      for (int i = 0; i < joined.length; i++) {
        if (i == without) {
          assertThat(joined[i].grad()).isNull();
          continue;
        }
        float[] got = joined[i].grad().toFloatArray();
        float[] want = plain[i].grad().toFloatArray();
        for (int k = 0; k < got.length; k++) {
          assertThat(got[k]).as("input " + i + "[" + k + "]").isCloseTo(want[k], within(2e-6f));
        }
        joined[i].zeroGrad();
        plain[i].zeroGrad();
      }
    }
  }
}
