package dev.changenet.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.Npy;
import dev.changenet.testing.ReferenceData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Optimizers against recorded updates of a vector, and their state against being stored. */
class OptimizerTraceTest {
  private static final int SIZE = 12;

  /** A layer whose weight gets exactly the gradient that is put in. */
  private static Linear layer() {
    Linear layer = new Linear(Device.CPU, SIZE, 1);
    layer.parameters().get(1).setFrozen(true);
    return layer;
  }

  private static void backward(Linear layer, float[] gradient) {
    try (Scope _ = Scope.open();
        Tape _ = Tape.open()) {
      layer.call(new Variable(Tensor.of(gradient, 1, SIZE))).backward();
    }
  }

  private static Optimizer create(String name, List<Parameter> parameters) {
    return switch (name) {
      case "adamw" -> Adam.adamW(parameters, 0.01, 0.9, 0.999, 0.1);
      case "adam" -> Adam.adam(parameters, 0.01, 0.9, 0.999, 0.1);
      default -> new Sgd(parameters, 0.01, 0.9, 0.1);
    };
  }

  private static float[] golden(String name) {
    return Npy.read(ReferenceData.golden("ops/optimizers/" + name + ".npy")).floats();
  }

  @ParameterizedTest
  @ValueSource(strings = {"adamw", "adam", "sgd"})
  void updatesMatchTheRecordedOnes(String name) {
    float[] gradients = golden("gradients");
    float[] trace = golden(name + "_trace");
    try (Linear layer = layer();
        Optimizer optimizer = create(name, layer.parameters())) {
      assertThat(optimizer.name()).isEqualTo(name);
      Tensor weight = layer.parameters().getFirst().data();
      Module.write(weight, golden("start"));
      for (int step = 0; step < trace.length / SIZE; step++) {
        backward(layer, Arrays.copyOfRange(gradients, step * SIZE, (step + 1) * SIZE));
        optimizer.step();
        optimizer.zeroGrad();
        for (int i = 0; i < SIZE; i++) {
          float expected = trace[step * SIZE + i];
          assertThat(weight.floats()[i])
              .as("step " + (step + 1) + ", element " + i)
              .isCloseTo(expected, within(2e-6f * Math.max(1, Math.abs(expected))));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"adamw", "adam", "sgd"})
  void storedStateContinuesToTheBit(String name) {
    float[] gradient = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      gradient[i] = (float) Math.sin(i + 1);
    }
    try (Linear a = layer();
        Linear b = layer();
        Optimizer first = create(name, a.parameters());
        Optimizer second = create(name, b.parameters())) {
      Module.write(a.parameters().getFirst().data(), new float[SIZE]);
      for (int step = 0; step < 3; step++) {
        backward(a, gradient);
        first.step();
        first.zeroGrad();
      }
      Module.write(
          b.parameters().getFirst().data(), a.parameters().getFirst().data().toFloatArray());
      List<float[]> slots = new ArrayList<>();
      for (Tensor t : first.state(0)) {
        slots.add(t.toFloatArray());
      }
      second.restore(0, first.steps(0), slots);
      for (Linear layer : List.of(a, b)) {
        backward(layer, gradient);
      }
      first.step();
      second.step();
      assertThat(b.parameters().getFirst().data().toFloatArray())
          .containsExactly(a.parameters().getFirst().data().toFloatArray());
    }
  }

  @Test
  void parametersWithoutGradientAreLeftAlone() {
    try (Linear layer = layer();
        Optimizer optimizer = create("adamw", layer.parameters())) {
      Module.write(layer.parameters().get(1).data(), new float[] {5});
      backward(layer, new float[SIZE]);
      optimizer.step();
      assertThat(layer.parameters().get(1).data().item()).isEqualTo(5);
      assertThat(optimizer.state(1)).isNull();
      assertThat(optimizer.steps(1)).isZero();
      // A gradient of zero still lets the weight decay.
      assertThat(optimizer.state(0)).hasSize(2);
      assertThat(optimizer.stateElements()).isEqualTo(2 * SIZE);
    }
  }

  @Test
  void storedHyperparametersReplaceTheWrittenOnes() {
    try (Linear layer = layer();
        Optimizer optimizer = create("adamw", layer.parameters())) {
      optimizer.setHyperparameters(
          Map.of("lr", 0.5, "weight_decay", 0.25, "betas", List.of(0.8, 0.7)));
      assertThat(optimizer.hyperparameters())
          .containsEntry("lr", 0.5)
          .containsEntry("weight_decay", 0.25);
      assertThat((double[]) optimizer.hyperparameters().get("betas")).containsExactly(0.8, 0.7);
    }
  }

  @Test
  void theStoredEpsilonIsUsed() {
    float[] gradient = new float[SIZE];
    Arrays.fill(gradient, 1e-3f);
    try (Linear layer = layer();
        Optimizer optimizer = Adam.adamW(layer.parameters(), 0.01, 0.9, 0.999, 0)) {
      optimizer.setHyperparameters(Map.of("eps", 1e-3));
      assertThat(optimizer.hyperparameters()).containsEntry("eps", 1e-3);
      Tensor weight = layer.parameters().getFirst().data();
      Module.write(weight, new float[SIZE]);
      backward(layer, gradient);
      optimizer.step();
      // lr · g / (|g| + eps) with g = eps.
      assertThat(weight.at(0)).isCloseTo(-0.005, within(1e-6));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "adamw, amsgrad",
    "adamw, maximize",
    "adam, amsgrad",
    "adam, maximize",
    "sgd, nesterov",
    "sgd, maximize",
    "sgd, dampening"
  })
  void anotherOptimizationIsRefused(String name, String option) {
    try (Linear layer = layer();
        Optimizer optimizer = create(name, layer.parameters())) {
      Object on = option.equals("dampening") ? 0.5 : true;
      assertThatThrownBy(() -> optimizer.setHyperparameters(Map.of("lr", 0.5, option, on)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              name + " has no " + option + ": got " + option + "=" + on + ", expected it off");
      assertThat(optimizer.lr()).isEqualTo(0.01);
      Object off = option.equals("dampening") ? 0L : false;
      optimizer.setHyperparameters(Map.of("lr", 0.5, option, off));
      assertThat(optimizer.lr()).isEqualTo(0.5);
    }
  }
}
