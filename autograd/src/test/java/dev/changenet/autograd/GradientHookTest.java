package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GradientHookTest {
  private static Variable leaf(boolean requiresGrad) {
    return new Variable(Tensor.of(new float[] {3}, 1), requiresGrad);
  }

  @Test
  void hooksOfLeavesAndOfResultsCanBeRemoved() {
    List<String> seen = new ArrayList<>();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(true);
      RemovableHandle ofLeaf = x.registerHook(g -> seen.add("leaf"));
      for (int pass = 0; pass < 3; pass++) {
        Variable y = Functional.scale(x, 2);
        RemovableHandle ofResult = y.registerHook(g -> seen.add("result"));
        if (pass == 1) {
          ofResult.remove();
          ofResult.remove();
        } else if (pass == 2) {
          ofLeaf.close();
        }
        y.backward();
      }
      assertThat(seen).containsExactly("result", "leaf", "leaf", "result");
      assertThat(x.grad().toFloatArray()).containsExactly(6);
      x.zeroGrad();
    }
  }

  @Test
  void aHookMayRegisterAHookOnItsOwnVariable() {
    List<String> seen = new ArrayList<>();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(true);
      RemovableHandle[] first = new RemovableHandle[1];
      first[0] =
          x.registerHook(
              g -> {
                first[0].remove();
                x.registerHook(h -> seen.add("later"));
                seen.add("first");
              });
      Functional.scale(x, 2).backward();
      Functional.scale(x, 2).backward();
      x.zeroGrad();
    }
    assertThat(seen).containsExactly("first", "later");
  }

  @Test
  void hooksThatNothingWouldCallAreRefused() {
    try (Scope _ = Scope.open()) {
      Variable x = leaf(true);
      for (Variable v : List.of(leaf(false), Functional.scale(x, 2))) {
        assertThatThrownBy(() -> v.registerHook(g -> {}))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("cannot register a hook on a tensor that doesn't require gradient");
      }
      assertThatThrownBy(() -> x.registerHook(null)).isInstanceOf(NullPointerException.class);
    }
  }
}
