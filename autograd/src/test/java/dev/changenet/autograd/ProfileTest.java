package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import org.junit.jupiter.api.Test;

class ProfileTest {
  private static Variable leaf(int... shape) {
    return new Variable(Tensor.full(Shape.of(shape), DType.FLOAT32, Device.CPU, 1), true);
  }

  @Test
  void listsPassesInOrderWithTheModuleThatRanForward() {
    try (Scope _ = Scope.open();
        Profile profile = Profile.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 4);
      Profile.enter("head");
      Variable y = Functional.linear(Functional.scale(x, 2), leaf(1, 4), null);
      Profile.exit();
      y.backward();
      assertThat(profile.entries())
          .extracting(e -> e.op() + " " + e.backward() + " " + e.path() + " " + e.output())
          .containsExactly(
              "SCALE false head " + x.shape(),
              "LINEAR false head " + y.shape(),
              "LINEAR true head " + y.shape(),
              "SCALE true head " + x.shape());
      assertThat(profile.entries()).allMatch(e -> e.nanos() >= 0);
      x.zeroGrad();
    }
  }

  @Test
  void mayBeOpenedInsideAModuleButOnlyOnce() {
    Profile.enter("outer");
    try (Profile profile = Profile.open()) {
      assertThatThrownBy(Profile::open).isInstanceOf(IllegalStateException.class);
      Profile.exit();
      assertThat(profile.entries()).isEmpty();
    }
  }
}
