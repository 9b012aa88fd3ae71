package dev.changenet.autograd.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sizes around 2³¹ elements, which only a dry run can hold. */
class RunsTest {
  private static Variable of(int... shape) {
    return new Variable(Tensor.empty(Shape.of(shape), DType.FLOAT32, Device.CPU));
  }

  @Test
  void aDimensionHasBlocksOfRuns() {
    Runs runs = Runs.along(1, 2, 3, 4, 5);
    assertThat(runs).isEqualTo(new Runs(2, 20));
    assertThat(runs.length(3)).isEqualTo(60);
    assertThat(Runs.along(0, 2).length(2)).isEqualTo(2);
  }

  @Test
  void startsAndStridesMayLieBeyondAnInt() {
    List<Object> lengths = new ArrayList<>();
    try (DryRun _ =
            DryRun.open(
                (kernel, arguments) -> {
                  if (kernel.equals("copyBlocks")) {
                    lengths.addAll(List.of(arguments[1], arguments[2], arguments[6]));
                  }
                });
        Scope _ = Scope.open()) {
      Variable _ = Functional.narrow(of(4, 1 << 15, 1 << 15), 0, 3, 1);
    }
    assertThat(lengths).containsExactly(3L << 30, 1L << 32, 1 << 30);
  }

  @Test
  void aRunThatNoKernelCanCopyIsRefused() {
    assertThatThrownBy(() -> Runs.along(0, 4, 1 << 15, 1 << 15).length(4))
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> Runs.along(2, 1 << 16, 1 << 16, 3))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void aDryRunMayHaveSuchRuns() {
    try (DryRun _ = DryRun.open();
        Scope _ = Scope.open()) {
      assertThat(Functional.narrow(of(4, 1 << 15, 1 << 15), 0, 0, 4).dim(0)).isEqualTo(4);
      assertThat(Functional.narrow(of(1 << 16, 1 << 16, 3), 2, 1, 2).dim(2)).isEqualTo(2);
    }
  }
}
