package dev.changenet.tensor.reference;

import static dev.changenet.tensor.reference.GradientCheck.check;
import static dev.changenet.tensor.reference.GradientCheck.empty;
import static dev.changenet.tensor.reference.GradientCheck.random;
import static dev.changenet.tensor.reference.GradientCheck.weighted;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Activation;
import dev.changenet.tensor.backend.Attention;
import dev.changenet.tensor.backend.Attention.Heads;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Loss;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Backward methods that no golden file covers are the derivatives of their forward methods. */
class ReferenceGradientTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activation(Activation f) {
    ReferenceElementwise ops = new ReferenceElementwise();
    Tensor x = random("x", 4, 23);
    Tensor g = random("g", 1, 23);
    Tensor out = empty(23);
    Tensor gradX = empty(23);
    ops.activationBackward(f, x, g, gradX);
    check(
        "gradX",
        x,
        gradX,
        () -> {
          ops.activation(f, x, out);
          return weighted(g, out);
        });
  }

  @Test
  void residualWithDropPath() {
    ReferenceElementwise ops = new ReferenceElementwise();
    Tensor x = random("x", 1, 2, 3, 5);
    Tensor y = random("y", 1, 2, 3, 5);
    Tensor gamma = random("gamma", 1, 5);
    Tensor g = random("g", 1, 2, 3, 5);
    float[] keep = {0, 1.25f};
    Tensor out = empty(2, 3, 5);
    Tensor gradY = empty(2, 3, 5);
    Tensor gradGamma = empty(5);
    ops.residualBackward(g, y, gamma, keep, gradY, gradGamma);
    GradientCheck.Loss loss =
        () -> {
          ops.residual(x, y, gamma, keep, out);
          return weighted(g, out);
        };
    check("gradX", x, g, loss);
    check("gradY", y, gradY, loss);
    check("gradGamma", gamma, gradGamma, loss);
  }

  @Test
  void attentionWithPackedKeysAndValues() {
    Attention ops = new ReferenceAttention();
    Tensor q = random("q", 1, 2, 3, 8);
    Tensor kv = random("kv", 1, 2, 4, 12);
    Tensor g = random("g", 1, 2, 3, 6);
    Tensor out = empty(2, 3, 6);
    Tensor lse = empty(2, 2, 3);
    Tensor gradQ = random("other", 1, 2, 3, 8);
    Tensor gradKv = empty(2, 4, 12);
    double untouched = gradQ.at(0);
    GradientCheck.Loss loss =
        () -> {
          ops.attention(new Heads(q, 2), new Heads(kv, 0), new Heads(kv, 6), 2, 0.6f, out, lse);
          return weighted(g, out);
        };
    loss.value();
    ops.attentionBackward(
        g,
        new Heads(q, 2),
        new Heads(kv, 0),
        new Heads(kv, 6),
        2,
        0.6f,
        out,
        lse,
        new Heads(gradQ, 2),
        new Heads(gradKv, 0),
        new Heads(gradKv, 6));
    assertThat(gradQ.at(0)).as("a column in front of the heads").isEqualTo(untouched);
    for (int row = 0; row < 6; row++) {
      gradQ.set(row * 8, 0);
      gradQ.set(row * 8 + 1, 0);
    }
    check("gradQ", q, gradQ, loss);
    check("gradKv", kv, gradKv, loss);
  }

  @Test
  void attentionOfEqualScoresIsTheMeanOfTheValues() {
    Tensor q = Tensor.full(Shape.of(1, 1, 2), DType.FLOAT64, Device.REFERENCE, 0);
    Tensor k = random("k", 1, 1, 3, 2);
    Tensor v = Tensor.of(new double[] {1, 10, 2, 20, 6, 60}, 1, 3, 2);
    Tensor out = empty(1, 1, 2);
    Tensor lse = empty(1, 1, 1);
    new ReferenceAttention()
        .attention(new Heads(q, 0), new Heads(k, 0), new Heads(v, 0), 1, 1, out, lse);
    assertThat(out.doubles()).containsExactly(new double[] {3, 30}, within(1e-14));
    assertThat(lse.item()).isEqualTo(Math.log(3));
  }

  @Test
  void channelGate() {
    ReferenceAttention ops = new ReferenceAttention();
    Tensor q = random("q", 2, 2, 4, 6);
    Tensor x = random("x", 2, 2, 4, 6);
    Tensor v = random("v", 1, 2, 4, 6);
    Tensor temperature = random("temperature", 1, 2, 1, 1);
    Tensor g = random("g", 1, 2, 4, 6);
    Tensor out = empty(2, 4, 6);
    Tensor sigmoid = empty(2, 6);
    GradientCheck.Loss loss =
        () -> {
          ops.channelGate(q, x, v, temperature, 2, out, sigmoid);
          return weighted(g, out);
        };
    loss.value();
    Tensor gradQ = empty(2, 4, 6);
    Tensor gradX = empty(2, 4, 6);
    Tensor gradV = empty(2, 4, 6);
    Tensor gradT = empty(2, 1, 1);
    ops.channelGateBackward(g, q, x, v, temperature, 2, sigmoid, gradQ, gradX, gradV, gradT);
    check("gradQ", q, gradQ, loss);
    check("gradX", x, gradX, loss);
    check("gradV", v, gradV, loss);
    check("gradTemperature", temperature, gradT, loss);
  }

  /** With one token both softmaxes are 1, so the gate is temperature·sigmoid(1). */
  @Test
  void channelGateOfOneToken() {
    Tensor v = random("v", 1, 1, 1, 4);
    Tensor temperature = Tensor.of(new double[] {2, -3}, 2);
    Tensor out = empty(1, 1, 4);
    Tensor sigmoid = empty(1, 4);
    new ReferenceAttention()
        .channelGate(
            random("q", 1, 1, 1, 4), random("x", 1, 1, 1, 4), v, temperature, 2, out, sigmoid);
    double gate = 1 / (1 + Math.exp(-1));
    for (int c = 0; c < 4; c++) {
      assertThat(out.at(c)).isEqualTo(temperature.at(c / 2) * gate * v.at(c));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void convolutionsOfAnyGroups(int groups) {
    ReferenceConvolution ops = new ReferenceConvolution();
    ConvGeometry geometry = new ConvGeometry(2, 1, groups);
    Tensor x = random("x", 1, 1, 5, 4, 4);
    Tensor w = random("w", 1, 4, 4 / groups, 3, 3);
    Tensor b = random("b", 1, 4);
    Tensor g = random("g", 1, 1, 3, 2, 4);
    Tensor out = empty(1, 3, 2, 4);
    GradientCheck.Loss loss =
        () -> {
          ops.conv2d(x, w, b, geometry, false, out);
          return weighted(g, out);
        };
    Tensor gradX = empty(1, 5, 4, 4);
    Tensor gradW = empty(4, 4 / groups, 3, 3);
    Tensor gradB = empty(4);
    ops.conv2dBackwardInput(g, w, geometry, gradX);
    ops.conv2dBackwardWeight(g, x, geometry, gradW, gradB);
    check("gradX", x, gradX, loss);
    check("gradW", w, gradW, loss);
    check("gradB", b, gradB, loss);
  }

  @Test
  void lossesWithIgnoredPixels() {
    Loss ops = new ReferenceLoss();
    Tensor x = random("x", 2, 2, 3, 3);
    Tensor labels = Tensor.of(new int[] {0, 255, 2, 1, 1, 255}, 2, 3);
    Tensor loss = empty(1);
    Tensor gradX = empty(2, 3, 3);
    ops.crossEntropy(x, labels, 255, loss, gradX);
    check(
        "cross-entropy",
        x,
        gradX,
        () -> {
          ops.crossEntropy(x, labels, 255, loss, null);
          return loss.item();
        });
    ops.mmIou(x, labels, 255, loss, gradX);
    check(
        "mmIou",
        x,
        gradX,
        () -> {
          ops.mmIou(x, labels, 255, loss, null);
          return loss.item();
        });
  }

  @Test
  void crossEntropyOfIgnoredPixelsOnlyIsZero() {
    Tensor loss = empty(1);
    Tensor grad = empty(2, 3);
    new ReferenceLoss()
        .crossEntropy(random("x", 1, 2, 3), Tensor.of(new int[] {255, 255}, 2), 255, loss, grad);
    assertThat(loss.item()).isZero();
    assertThat(grad.doubles()).containsOnly(0);
  }

  @Test
  void anImpossibleLabelIsRefused() {
    assertThatThrownBy(
            () ->
                new ReferenceLoss()
                    .crossEntropy(
                        random("x", 1, 2, 3), Tensor.of(new int[] {0, 3}, 2), 255, empty(1), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("label 3 at row 1: expected 0 to 2 or 255 (ignored)");
  }

  @Test
  void argmaxTakesTheLowestIndexOnTies() {
    Tensor out = Tensor.of(new int[2], 2);
    new ReferenceLoss().argmax(Tensor.of(new double[] {1, 3, 3, -1, -1, -2}, 2, 3), out);
    assertThat(out.ints()).containsExactly(1, 0);
  }

  @Test
  void oneRowHasNoRunningVariance() {
    assertThatThrownBy(
            () ->
                new ReferenceNormalization()
                    .updateRunning(empty(1), empty(1), 1, 0.1, empty(1), empty(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 2 values per channel, got 1");
  }
}
