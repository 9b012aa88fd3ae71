package dev.changenet.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import org.junit.jupiter.api.Test;

class DropPathTest {
  private static final int BATCH = 64;

  /** Two layers, as blocks of a network have them. */
  private static final class Net extends Module {
    final StepRandom random = new StepRandom();
    final DropPath first;
    final DropPath second;

    Net(double p) {
      super(Device.CPU);
      first = child("first", new DropPath(Device.CPU, p, random));
      second = child("second", new DropPath(Device.CPU, p, random));
    }
  }

  /** What the branch of each sample is multiplied with. */
  private static float[] scales(DropPath layer) {
    try (Scope _ = Scope.open()) {
      Variable x = filled(0, BATCH, 1, 1);
      Variable y = filled(1, BATCH, 1, 1);
      return layer.residual(x, y, filled(1, 1)).data().toFloatArray();
    }
  }

  private static Variable filled(double value, int... shape) {
    return new Variable(Tensor.full(Shape.of(shape), DType.FLOAT32, Device.CPU, value));
  }

  @Test
  void bothImagesOfAPairDrawIndependently() {
    try (Net net = new Net(0.3)) {
      int bothDropped = 0;
      int steps = 400;
      for (int step = 0; step < steps; step++) {
        net.random.set(9, step);
        float[] a = scales(net.first);
        float[] b = scales(net.first);
        for (int i = 0; i < BATCH; i++) {
          bothDropped += a[i] == 0 && b[i] == 0 ? 1 : 0;
        }
      }
      assertThat(bothDropped / (double) (steps * BATCH)).isCloseTo(0.09, within(0.01));
    }
  }

  @Test
  void theGivenShareIsDroppedAndTheRestEnlarged() {
    try (Net net = new Net(0.3)) {
      int dropped = 0;
      int steps = 400;
      for (int step = 0; step < steps; step++) {
        net.random.set(9, step);
        for (float s : scales(net.first)) {
          assertThat(s == 0f || s == (float) (1 / 0.7)).isTrue();
          dropped += s == 0 ? 1 : 0;
        }
      }
      assertThat(dropped / (double) (steps * BATCH)).isCloseTo(0.3, within(0.015));
    }
  }

  @Test
  void drawsDependOnSeedStepLayerAndImageOnly() {
    try (Net net = new Net(0.5);
        Net other = new Net(0.5)) {
      net.random.set(9, 41);
      scales(net.first);
      net.random.set(9, 42);
      float[] a = scales(net.first);
      float[] b = scales(net.first);
      float[] layer = scales(net.second);
      // A resumed run: no step was done before.
      other.random.set(9, 42);
      assertThat(scales(other.first)).containsExactly(a);
      assertThat(scales(other.first)).containsExactly(b).isNotEqualTo(a);
      assertThat(layer).isNotEqualTo(a);
      other.random.set(9, 43);
      assertThat(scales(other.first)).isNotEqualTo(a);
      other.random.set(10, 42);
      assertThat(scales(other.first)).isNotEqualTo(a);
    }
  }

  @Test
  void settingSeedAndStepStartsTheDrawsAnew() {
    try (Net net = new Net(0.5)) {
      net.random.set(9, 42);
      float[] a = scales(net.first);
      float[] b = scales(net.first);
      for (int pass = 0; pass < 2; pass++) {
        net.random.set(9, 42);
        assertThat(scales(net.first)).containsExactly(a);
        assertThat(scales(net.first)).containsExactly(b).isNotEqualTo(a);
      }
      net.random.set(10, 42);
      float[] other = scales(net.first);
      net.random.set(9, 42);
      net.random.set(10, 42);
      assertThat(scales(net.first)).containsExactly(other).isNotEqualTo(a);
    }
  }

  /** Numbers of a training in parts, as checkpoints of it rely on. */
  @Test
  void laterPartsOfAStepGoOnCountingCalls() {
    try (Net net = new Net(0.5)) {
      net.random.set(9, 42);
      scales(net.first);
      net.random.nextPart(10);
      float[] later = scales(net.first);
      RandomStream second = RandomStream.of(10, "drop_path/first", 42, 1);
      for (float scale : later) {
        assertThat(scale).isEqualTo(second.nextDouble() < 0.5 ? 0f : 2f);
      }
    }
  }

  @Test
  void evaluationAndFrozenLayersDropNothing() {
    try (Net net = new Net(0.9)) {
      net.eval();
      assertThat(scales(net.first)).containsOnly(1f);
      net.train(true);
      assertThat(scales(net.first)).contains(0f);
      net.freeze();
      net.train(true);
      assertThat(scales(net.first)).containsOnly(1f);
    }
    try (Net net = new Net(0)) {
      assertThat(scales(net.first)).containsOnly(1f);
    }
  }
}
