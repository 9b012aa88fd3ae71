package dev.changenet.nn.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.nn.Linear;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Arguments are checked as {@code torch.optim} checks them. */
class OptimizerArgumentsTest {
  private final Linear layer = new Linear(Device.CPU, 3, 2);
  private final List<Parameter> parameters = layer.parameters();

  @AfterEach
  void close() {
    layer.close();
  }

  private static void refused(String message, ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }

  @Test
  void learningRatesAreNumbersFromZero() {
    for (double lr : new double[] {-0.1, Double.NaN, Double.NEGATIVE_INFINITY}) {
      String message = "invalid learning rate: got " + lr + ", expected 0 or more";
      refused(message, () -> Adam.adamW(parameters, lr, 0.9, 0.999, 0));
      refused(message, () -> Adam.adam(parameters, lr, 0.9, 0.999, 0));
      refused(message, () -> new Sgd(parameters, lr, 0.9, 0));
      try (Optimizer sgd = new Sgd(parameters, 0, 0, 0)) {
        refused(message, () -> sgd.setLr(lr));
        assertThat(sgd.lr()).isZero();
      }
    }
  }

  @Test
  void betasAreBelowOne() {
    for (double beta : new double[] {-0.1, 1, Double.NaN}) {
      String message = "got " + beta + ", expected 0 or more and less than 1";
      refused(
          "invalid beta parameter at index 0: " + message,
          () -> Adam.adamW(parameters, 0.1, beta, 0.999, 0));
      refused(
          "invalid beta parameter at index 1: " + message,
          () -> Adam.adam(parameters, 0.1, 0.9, beta, 0));
    }
  }

  @Test
  void weightDecayAndMomentumAreNotNegative() {
    refused(
        "invalid weight_decay value: got -1.0, expected 0 or more",
        () -> Adam.adamW(parameters, 0.1, 0.9, 0.999, -1));
    refused(
        "invalid weight_decay value: got NaN, expected 0 or more",
        () -> new Sgd(parameters, 0.1, 0.9, Double.NaN));
    refused(
        "invalid momentum value: got -0.5, expected 0 or more",
        () -> new Sgd(parameters, 0.1, -0.5, 0));
  }

  @Test
  void storedValuesAreCheckedToo() {
    Supplier<Optimizer> adam = () -> Adam.adamW(parameters, 0.1, 0.9, 0.999, 0);
    Supplier<Optimizer> sgd = () -> new Sgd(parameters, 0.1, 0.9, 0);
    stored(adam, "invalid epsilon value: got -1.0E-8, expected 0 or more", "eps", -1e-8);
    stored(adam, "invalid weight_decay value: got -1.0, expected 0 or more", "weight_decay", -1);
    stored(adam, "invalid learning rate: got -1.0, expected 0 or more", "lr", -1);
    stored(
        adam,
        "invalid beta parameter at index 1: got 1.0, expected 0 or more and less than 1",
        "betas",
        List.of(0.9, 1.0));
    stored(sgd, "invalid momentum value: got -1.0, expected 0 or more", "momentum", -1);
    stored(sgd, "invalid weight_decay value: got -1.0, expected 0 or more", "weight_decay", -1);
  }

  private static void stored(Supplier<Optimizer> make, String message, String key, Object value) {
    try (Optimizer optimizer = make.get()) {
      refused(message, () -> optimizer.setHyperparameters(Map.of(key, value)));
    }
  }

  @Test
  void aParameterIsListedOnce() {
    Parameter bias = parameters.get(1);
    refused(
        "duplicate parameter: got 'bias' twice, expected each parameter once",
        () -> new Sgd(List.of(bias, parameters.get(0), bias), 0.1, 0, 0));
  }
}
