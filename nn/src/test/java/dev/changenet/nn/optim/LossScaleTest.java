package dev.changenet.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LossScaleTest {
  private static void steps(LossScale scale, int n) {
    for (int i = 0; i < n; i++) {
      scale.update(true);
    }
  }

  @Test
  void doublesAfterTwoThousandUpdatesAndHalvesAfterOneLeftOut() {
    LossScale scale = new LossScale();
    assertThat(scale.scale()).isEqualTo(65536);
    steps(scale, 1999);
    assertThat(scale.scale()).isEqualTo(65536);
    steps(scale, 1);
    assertThat(scale.scale()).isEqualTo(131072);
    // One left out begins the count anew.
    steps(scale, 1999);
    scale.update(false);
    assertThat(scale.scale()).isEqualTo(65536);
    scale.update(false);
    assertThat(scale.scale()).isEqualTo(32768);
    steps(scale, 1999);
    assertThat(scale.scale()).isEqualTo(32768);
    steps(scale, 1);
    assertThat(scale.scale()).isEqualTo(65536);
  }

  @Test
  void neverGrowsToInfinity() {
    LossScale scale = new LossScale();
    scale.restore(state(Map.of("scale", 0x1p126, "growth_interval", 1L)));
    steps(scale, 1);
    assertThat(scale.scale()).isEqualTo(0x1p127);
    steps(scale, 3);
    assertThat(scale.scale()).isEqualTo(0x1p127);
  }

  @Test
  void aScaleThatFallsWithoutEndIsAnError() {
    LossScale scale = new LossScale();
    for (int i = 0; i < 29; i++) {
      scale.update(false);
      scale.requireUsable();
    }
    scale.update(false);
    assertThatThrownBy(scale::requireUsable)
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("the loss scale fell to 6.10e-05; lower train.optim.lr");
  }

  private static Map<String, Object> state(Map<String, Object> changes) {
    Map<String, Object> state = new HashMap<>(new LossScale().state());
    state.putAll(changes);
    return state;
  }

  @Test
  void theStateHasTheNamesOfPyTorchAndGoesOn() {
    LossScale scale = new LossScale();
    steps(scale, 2000 + 17);
    assertThat(scale.state().keySet())
        .containsExactly(
            "scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker");
    assertThat(scale.state().values()).containsExactly(131072.0, 2.0, 0.5, 2000L, 17L);
    LossScale other = new LossScale();
    // Floats may be integers and the other way round, as long as they are numbers.
    other.restore(state(Map.of("scale", 131072L, "_growth_tracker", 17.0)));
    assertThat(other.state()).isEqualTo(scale.state());
    other.restore(
        Map.of(
            "scale", 8.0,
            "growth_factor", 4.0,
            "backoff_factor", 0.25,
            "growth_interval", 3L,
            "_growth_tracker", 2L));
    other.update(true);
    assertThat(other.scale()).isEqualTo(32);
    other.update(false);
    assertThat(other.scale()).isEqualTo(8);
  }

  @ParameterizedTest
  @CsvSource({
    "scale, 0",
    "scale, -1",
    "scale, NaN",
    "scale, Infinity",
    "growth_factor, 0.5",
    "backoff_factor, 2",
    "backoff_factor, 0",
    "growth_interval, 0",
    "_growth_tracker, -1",
    "_growth_tracker, 2000",
  })
  void anUnusableStateChangesNothing(String key, double value) {
    LossScale scale = new LossScale();
    assertThatThrownBy(() -> scale.restore(state(Map.of(key, value))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("'" + key + "' must be a number from ")
        .hasMessageEndingWith("found " + value);
    assertThat(scale.state()).isEqualTo(new LossScale().state());
  }

  @Test
  void theBackwardPassScalesGradientsAndNotTheLoss() {
    long storages = MemoryUse.liveStorages();
    try (Linear layer = layer()) {
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable loss = layer.call(new Variable(Tensor.of(new float[] {1, -2, 0.5f}, 1, 3)));
        float value = (float) loss.data().item();
        loss.backward(65536);
        assertThat(loss.data().item()).isEqualTo(value);
      }
      assertThat(layer.parameters().getFirst().grad().toFloatArray())
          .containsExactly(65536, -131072, 32768);
      layer.parameters().forEach(Parameter::zeroGrad);
      try (Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        Variable two = layer.call(new Variable(Tensor.of(new float[6], 2, 3)));
        assertThatThrownBy(() -> two.backward(2))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("expected a scalar");
      }
    }
    assertThat(MemoryUse.liveStorages()).isEqualTo(storages);
  }

  private static Linear layer() {
    Linear layer = new Linear(Device.CPU, 3, 1);
    layer.parameters().get(1).setFrozen(true);
    return layer;
  }

  private static Optimizer create(String name, List<Parameter> parameters) {
    return switch (name) {
      case "adamw" -> Adam.adamW(parameters, 0.01, 0.9, 0.999, 0.1);
      case "adam" -> Adam.adam(parameters, 0.01, 0.9, 0.999, 0.1);
      default -> new Sgd(parameters, 0.01, 0.9, 0.1);
    };
  }

  /** Weights after each of five steps, number {@code leftOut} of which has a guard against it. */
  private static List<float[]> train(String optimizerName, int leftOut, float guardValue) {
    List<float[]> weights = new ArrayList<>();
    try (Linear layer = layer();
        Optimizer optimizer = create(optimizerName, layer.parameters());
        Tensor guard = Tensor.of(new float[1], 1).detached()) {
      int done = 0;
      for (int i = 0; done < 5; i++) {
        boolean left = i == leftOut;
        float[] gradient = left ? new float[] {Float.NaN, 1, 1} : new float[] {1, done, -2};
        try (Scope _ = Scope.open();
            Tape _ = Tape.open()) {
          layer.call(new Variable(Tensor.of(gradient, 1, 3))).backward();
        }
        guard.set(0, left ? guardValue : 3);
        optimizer.step(guard);
        if (left) {
          optimizer.takeBack();
        }
        optimizer.zeroGrad();
        done += left ? 0 : 1;
        assertThat(optimizer.steps(0)).isEqualTo(done);
        assertThat(optimizer.steps(1)).isZero();
        weights.add(layer.parameters().getFirst().data().toFloatArray());
      }
    }
    return weights;
  }

  @ParameterizedTest
  @ValueSource(strings = {"adamw", "adam", "sgd"})
  void aStepLeftOutIsAsIfItNeverWas(String optimizer) {
    List<float[]> expected = train(optimizer, -1, 0);
    for (int leftOut : new int[] {0, 2}) {
      List<float[]> actual = train(optimizer, leftOut, leftOut == 0 ? Float.NaN : -1f / 0);
      float[] before = leftOut == 0 ? new float[3] : actual.get(leftOut - 1);
      assertThat(actual.remove(leftOut)).isEqualTo(before);
      assertThat(actual.toArray()).isEqualTo(expected.toArray());
    }
  }
}
