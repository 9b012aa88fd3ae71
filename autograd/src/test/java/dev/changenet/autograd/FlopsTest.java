package dev.changenet.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Counts against loops that count each multiply-add. */
class FlopsTest {
  private static Variable leaf(boolean grad, int... shape) {
    return new Variable(Tensor.empty(Shape.of(shape), DType.FLOAT32, Device.CPU), grad);
  }

  private static Variable leaf(int... shape) {
    return leaf(true, shape);
  }

  private static List<Profile.Entry> profile(Supplier<Variable> body) {
    try (DryRun _ = DryRun.open();
        Scope _ = Scope.open();
        Profile profile = Profile.open();
        Tape _ = Tape.open()) {
      var _ = body.get();
      return List.copyOf(profile.entries());
    }
  }

  private static double flops(Supplier<Variable> body) {
    return profile(body).stream().mapToDouble(Profile.Entry::flops).sum();
  }

  /** Multiply-adds of a convolution without padding's zeros left out. */
  private static double naiveConvolution(int b, int out, int in, int o, int kernel, int groups) {
    double n = 0;
    for (int pixel = 0; pixel < b * out * out; pixel++) {
      for (int channel = 0; channel < o; channel++) {
        for (int input = 0; input < in / groups; input++) {
          n += kernel * kernel;
        }
      }
    }
    return 2 * n;
  }

  @Test
  void products() {
    assertThat(flops(() -> Functional.linear(leaf(2, 5, 3), leaf(7, 3), leaf(7))))
        .isEqualTo(2.0 * 2 * 5 * 3 * 7);
  }

  @Test
  void convolutions() {
    assertThat(flops(() -> Functional.conv2d(leaf(2, 8, 8, 6), leaf(4, 6, 3, 3), null, 1, 1, 1)))
        .isEqualTo(naiveConvolution(2, 8, 6, 4, 3, 1));
    assertThat(flops(() -> Functional.conv2d(leaf(1, 8, 8, 6), leaf(6, 1, 3, 3), null, 1, 1, 6)))
        .isEqualTo(naiveConvolution(1, 8, 6, 6, 3, 6));
    assertThat(flops(() -> Functional.conv2d(leaf(1, 8, 8, 3), leaf(4, 3, 2, 2), null, 2, 0, 1)))
        .isEqualTo(naiveConvolution(1, 4, 3, 4, 2, 1));
  }

  @Test
  void aTransposedConvolutionSpreadsEachInputOverItsKernel() {
    assertThat(
            flops(() -> Functional.convTranspose2d(leaf(1, 5, 5, 3), leaf(3, 4, 4, 4), null, 2, 1)))
        .isEqualTo(2.0 * 5 * 5 * 3 * 4 * 4 * 4);
  }

  @Test
  void twoConvolutionsInOneCountBoth() {
    assertThat(
            flops(
                () ->
                    Functional.conv2dPair(
                        leaf(1, 8, 8, 6), leaf(5, 6, 3, 3), null, leaf(2, 5, 3, 3))))
        .isEqualTo(naiveConvolution(1, 8, 6, 5, 3, 1) + naiveConvolution(1, 8, 5, 2, 3, 1));
  }

  @Test
  void attentionHasTwoProductsOfAllPairs() {
    assertThat(flops(() -> Functional.selfAttention(leaf(2, 5, 24), 4)))
        .isEqualTo(2.0 * 2 * (5 * 5 * 8 + 5 * 5 * 8));
    assertThat(flops(() -> Functional.attention(leaf(1, 3, 8), leaf(1, 5, 16), 2)))
        .isEqualTo(2.0 * 2 * 3 * 5 * 8);
  }

  @Test
  void deformableAttentionReadsFourPixelsAndWeighsThem() {
    Levels levels = new Levels(new int[] {4}, new int[] {4});
    // 3 queries, 2 heads of 6 channels, 1 level, 5 points.
    assertThat(
            flops(
                () ->
                    Functional.deformableAttention(
                        leaf(1, 16, 12),
                        levels,
                        leaf(3, 2),
                        leaf(1, 3, 2 * 5 * 2),
                        leaf(1, 3, 2 * 5),
                        2,
                        5)))
        .isEqualTo(2.0 * 3 * 2 * 5 * 6 * 5);
  }

  @Test
  void whatIsNoProductCountsNothing() {
    assertThat(flops(() -> Functional.relu(Functional.add(leaf(4, 4), leaf(4, 4))))).isZero();
  }

  @Test
  void theBackwardPassCountsAProductForEachGradient() {
    assertThat(backward(true, true)).isEqualTo(2 * 2.0 * 4 * 3);
    assertThat(backward(false, true)).isEqualTo(2.0 * 4 * 3);
  }

  private static double backward(boolean input, boolean weight) {
    return profile(
            () -> {
              Variable x = leaf(input, 4, 3);
              Variable w = leaf(weight, 1, 3);
              Variable y = Functional.reshape(Functional.linear(x, w, null), 1, 4);
              Functional.linear(y, leaf(false, 1, 4), null).backward();
              x.zeroGrad();
              w.zeroGrad();
              return y;
            })
        .stream()
        .filter(e -> e.backward() && e.op() == Op.LINEAR)
        .toList()
        .getLast()
        .flops();
  }

  @Test
  void keptMemoryIsWhatStaysWhenTheTemporariesAreClosed() {
    try (DryRun dry = DryRun.open();
        Profile profile = Profile.open()) {
      Variable x = leaf(false, 1, 8, 8, 4);
      Variable w = leaf(4, 4, 3, 3);
      profile.countKept(List.of(x.data(), w.data()));
      try (Tape _ = Tape.open()) {
        try (Scope _ = Scope.open()) {
          Functional.conv2d(x, w, null, 1, 1, 1);
        }
        // The kernel's packed weights are there from now on.
        long before = dry.liveBytes();
        try (Scope _ = Scope.open()) {
          Variable y = Functional.conv2dRelu(x, w, null, 1, 1);
          Functional.gelu(Functional.add(y, y));
        }
        long kept = profile.entries().stream().mapToLong(Profile.Entry::kept).sum();
        assertThat(kept).isPositive().isEqualTo(dry.liveBytes() - before);
      }
      x.data().close();
      w.data().close();
    }
  }
}
