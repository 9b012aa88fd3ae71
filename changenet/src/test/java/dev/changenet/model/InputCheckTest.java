package dev.changenet.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Variable;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import org.junit.jupiter.api.Test;

class InputCheckTest {
  private static Variable images(int... shape) {
    return new Variable(Tensor.zeros(Shape.of(shape), DType.FLOAT32, Device.CPU));
  }

  @Test
  void imagesThatDoNotFitAreRefusedInOneSentence() {
    try (Scope _ = Scope.open();
        ChangeNet net =
            new ChangeNet(Device.CPU, ChangeNet.Config.of("fan_tiny_8_p4_hybrid", 8, 2))) {
      net.initialize(1);
      net.eval();
      Variable good = images(1, 32, 48, 3);
      assertThatThrownBy(() -> net.forward(images(1, 40, 32, 3), images(1, 40, 32, 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "images of shapes [1, 40, 32, 3] and [1, 40, 32, 3], expected two of one shape"
                  + " [B, H, W, 3] with H and W multiples of 16 for fan_tiny_8_p4_hybrid");
      for (Variable other :
          new Variable[] {
            images(1, 48, 32, 3), images(2, 32, 48, 3), images(1, 32, 48, 1), images(32, 48, 3)
          }) {
        assertThatThrownBy(() -> net.forward(good, other))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("[1, 32, 48, 3] and " + other.shape());
        assertThatThrownBy(() -> net.forward(other, good))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(net.forward(good, good).getLast().shape()).isEqualTo(Shape.of(1, 32, 48, 2));
    }
  }
}
