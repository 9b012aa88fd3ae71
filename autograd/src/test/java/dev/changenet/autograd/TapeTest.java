package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TapeTest {
  private static Variable leaf(float... values) {
    return new Variable(Tensor.of(values, 1, values.length), true);
  }

  private static Variable sum(Variable x) {
    return Functional.linear(
        x, new Variable(Tensor.full(x.shape(), x.data().dtype(), x.data().device(), 1)), null);
  }

  @Test
  void gradientsOfAVariableUsedTwiceAddUp() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2, 3);
      sum(Functional.add(Functional.scale(x, 2), x)).backward();
      assertThat(x.grad().toFloatArray()).containsExactly(3, 3, 3);
      x.zeroGrad();
    }
  }

  @Test
  void backwardPassesAccumulateInLeavesUntilZeroed() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      sum(x).backward();
      sum(x).backward();
      assertThat(x.grad().toFloatArray()).containsExactly(2, 2);
      x.zeroGrad();
      assertThat(x.grad()).isNull();
    }
  }

  @Test
  void nothingIsRecordedWithoutATapeOrInsideNoGrad() {
    try (Scope _ = Scope.open()) {
      Variable x = leaf(1, 2);
      assertThat(sum(x).requiresGrad()).isFalse();
      try (Tape _ = Tape.open()) {
        assertThat(sum(x).requiresGrad()).isTrue();
        try (NoGrad _ = NoGrad.open()) {
          assertThat(sum(x).requiresGrad()).isFalse();
        }
        assertThat(sum(x).requiresGrad()).isTrue();
      }
    }
  }

  @Test
  void aSecondBackwardOfOneGraphIsRefused() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      Variable y = sum(x);
      y.backward();
      assertThatThrownBy(y::backward)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("run forward again");
      x.zeroGrad();
    }
  }

  @Test
  void backwardNeedsAScalarAndAGraph() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      assertThatThrownBy(() -> Functional.scale(x, 2).backward())
          .hasMessageContaining("expected a scalar, got shape [1, 2]");
      assertThatThrownBy(x::backward).hasMessageContaining("does not depend on anything");
    }
  }

  @Test
  void aGraphThatIsDroppedReleasesWhatItSaved() {
    long before = MemoryUse.liveStorages();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Functional.gelu(Functional.scale(leaf(new float[4096]), 2));
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(before);
  }

  @Test
  void activationsAreReleasedAsTheirBackwardRuns() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(new float[4096]);
      Variable loss;
      try (Scope inner = Scope.open()) {
        Variable y = x;
        for (int i = 0; i < 10; i++) {
          y = Functional.gelu(y);
        }
        loss = sum(y);
        inner.keep(loss.data());
      }
      long withActivations = MemoryUse.liveStorages();
      List<Long> live = new ArrayList<>();
      x.registerHook(g -> live.add(MemoryUse.liveStorages()));
      loss.backward();
      assertThat(live.getFirst()).isLessThan(withActivations - 8);
      x.zeroGrad();
    }
  }

  @Test
  void hooksSeeTheCompleteGradientOfAnActivation() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      Variable y = Functional.scale(x, 3);
      List<float[]> seen = new ArrayList<>();
      y.registerHook(g -> seen.add(g.toFloatArray()));
      sum(Functional.add(y, y)).backward();
      assertThat(seen).hasSize(1);
      assertThat(seen.getFirst()).containsExactly(2, 2);
      x.zeroGrad();
    }
  }

  @Test
  void shapeErrorsNameOperationAndShapes() {
    try (Scope _ = Scope.open()) {
      Variable x = new Variable(Tensor.of(new float[12], 1, 2, 2, 3));
      Variable w = new Variable(Tensor.of(new float[4 * 5 * 9], 4, 5, 3, 3));
      assertThatThrownBy(() -> Functional.conv2d(x, w, null, 1, 1, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "conv2d: input [B, H, W, C] [1, 2, 2, 3] has 3 channels, weight [4, 5, 3, 3] with 1"
                  + " groups takes 5");
      assertThatThrownBy(() -> Functional.add(x, w))
          .hasMessage("add: shapes differ: [1, 2, 2, 3] and [4, 5, 3, 3]");
      assertThatThrownBy(() -> Functional.tokensToMap(x, 2, 2))
          .hasMessageContaining("expected 3 dimensions");
    }
  }

  @Test
  void hooksSeeTheCompleteGradientOfALeaf() {
    List<float[]> seen = new ArrayList<>();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = new Variable(Tensor.of(new float[] {3}, 1), true);
      x.registerHook(g -> seen.add(g.toFloatArray()));
      for (int pass = 1; pass < 3; pass++) {
        Functional.add(Functional.add(x, x), x).backward();
        assertThat(x.grad().toFloatArray()).containsExactly(3 * pass);
      }
      x.zeroGrad();
    }
    assertThat(seen).containsExactly(new float[] {3}, new float[] {3});
  }

  @Test
  void aPartThatFailsLeavesNothingBehind() {
    long before = MemoryUse.liveStorages();
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = new Variable(Tensor.of(new float[] {3}, 1), true);
      assertThatThrownBy(
              () ->
                  Functional.checkpoint(
                      v -> {
                        throw new IllegalStateException("no");
                      },
                      x,
                      List.of()))
          .hasMessage("no");
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(before);
  }

  @Test
  void gradientsOfTwoLeavesShareNoMemory() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      Variable y = leaf(3, 4);
      sum(Functional.add(x, y)).backward();
      x.grad().floats()[0] = 99;
      assertThat(y.grad().toFloatArray()).containsExactly(1, 1);
      x.zeroGrad();
      y.zeroGrad();
    }
  }

  /** As if the hook had returned it, in PyTorch. */
  @Test
  void whatAHookLeavesFlowsOnThereAlone() {
    for (int watched = 0; watched < 2; watched++) {
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable x = leaf(1, 2);
        Variable y = leaf(3, 4);
        Variable[] branches = {Functional.relu(x), Functional.relu(y)};
        branches[watched].registerHook(g -> g.floats()[0] = 0);
        Variable z = leaf(5, 6);
        z.registerHook(g -> g.floats()[0] = 7);
        sum(Functional.add(Functional.add(branches[0], branches[1]), z)).backward();
        assertThat((watched == 0 ? x : y).grad().toFloatArray()).containsExactly(0, 1);
        assertThat((watched == 0 ? y : x).grad().toFloatArray()).containsExactly(1, 1);
        assertThat(z.grad().toFloatArray()).containsExactly(7, 1);
        x.zeroGrad();
        y.zeroGrad();
        z.zeroGrad();
      }
    }
  }

  @Test
  void aTensorThatChangedBeforeBackwardIsNoticed() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      Variable w = leaf(3, 4);
      Variable y = Functional.linear(x, w, null);
      w.data().copyFrom(Tensor.of(new float[] {5, 6}, 1, 2));
      assertThatThrownBy(y::backward)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "backward(): a tensor [1, 2] that the gradient of LINEAR needs was changed after the"
                  + " forward pass; run forward again");
    }
  }

  @Test
  void aCheckpointThatDoesNothing() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      sum(Functional.checkpoint(v -> v, x, List.of())).backward();
      assertThat(x.grad().toFloatArray()).containsExactly(1, 1);
      x.zeroGrad();
      Variable fixed = new Variable(Tensor.of(new float[] {3, 4}, 1, 2));
      Variable other = sum(Functional.checkpoint(v -> fixed, x, List.of()));
      assertThatThrownBy(other::backward).hasMessageContaining("depends neither on");
    }
  }

  @Test
  void aCheckpointThatReachesOutOfItselfIsRefused() {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      Variable x = leaf(1, 2);
      Variable outside = Functional.relu(x);
      Variable y = Functional.checkpoint(v -> Functional.add(v, outside), x, List.of());
      assertThatThrownBy(() -> sum(y).backward())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith(
              "checkpoint(): the part uses a result of ACTIVATION that was computed outside of it");
      x.zeroGrad();
    }
  }
}
