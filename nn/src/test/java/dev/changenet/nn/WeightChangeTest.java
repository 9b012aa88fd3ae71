package dev.changenet.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Variable;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** A weight that was changed by hand counts from the next pass on. */
class WeightChangeTest {
  @Test
  void finiteDifferencesSeeEveryChangeOfAWeight() {
    try (Linear linear = new Linear(Device.CPU, 16, 16);
        Conv2d conv = Conv2d.conv3x3(Device.CPU, 16, 16, false)) {
      linear.initialize(1);
      conv.initialize(1);
      for (int i : new int[] {0, 17, 40}) {
        assertThat(difference(linear, i, 64, 16)).isCloseTo(64, within(1e-2));
        // The middle of the kernel meets all 36 positions.
        assertThat(difference(conv, 9 * i + 4, 1, 6, 6, 16)).isCloseTo(36, within(1e-2));
      }
    }
  }

  /** Of the sum of the outputs for inputs of 1, by weight {@code i}. */
  private static double difference(Layer layer, int i, int... input) {
    Tensor weight = layer.stateDict().get("weight");
    double before = weight.at(i);
    weight.set(i, before + 0.5);
    double up = sum(layer, input);
    weight.set(i, before - 0.5);
    double down = sum(layer, input);
    weight.set(i, before);
    return up - down;
  }

  private static double sum(Layer layer, int... input) {
    try (Scope _ = Scope.open()) {
      Tensor ones = Tensor.full(Shape.of(input), DType.FLOAT32, Device.CPU, 1);
      double sum = 0;
      for (float v : layer.call(new Variable(ones)).data().toFloatArray()) {
        sum += v;
      }
      return sum;
    }
  }
}
