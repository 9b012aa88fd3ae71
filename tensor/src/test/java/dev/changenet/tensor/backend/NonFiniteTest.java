package dev.changenet.tensor.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is no number stays visible, as in PyTorch: a broken network must not look like a good one.
 */
class NonFiniteTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  static List<Device> devices() {
    return List.of(Device.CPU, Device.REFERENCE);
  }

  private static Tensor tensor(Device device, float[] values, int... shape) {
    return Tensor.of(values, shape).to(device);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void reluPassesTheGradientOfNaN(Device device) {
    try (Scope _ = Scope.open()) {
      // More than a vector, and a rest.
      float[] x = new float[37];
      for (int i = 0; i < x.length; i++) {
        x[i] = i % 4 == 0 ? Float.NaN : i % 4 == 1 ? 0 : i % 4 == 2 ? -1 : 2;
      }
      Tensor input = tensor(device, x, x.length);
      Tensor g = Tensor.full(input.shape(), DType.FLOAT32, device, 3);
      Tensor out = input.emptyLike();
      Tensor gx = input.emptyLike();
      Elementwise ops = Backends.of(device).elementwise();
      ops.activation(Activation.RELU, input, out);
      ops.activationBackward(Activation.RELU, input, g, gx);
      for (int i = 0; i < x.length; i++) {
        float value = out.toFloatArray()[i];
        assertThat(Float.isNaN(value)).as("out %s", i).isEqualTo(i % 4 == 0);
        assertThat(gx.toFloatArray()[i])
            .as("gradient %s", i)
            .isEqualTo(i % 4 == 0 || i % 4 == 3 ? 3f : 0f);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void anInfiniteLogitIsNoCertainPrediction(Device device) {
    for (int classes : new int[] {2, 3}) {
      for (int rows : new int[] {1, 40}) {
        for (int label = 0; label < 2; label++) {
          float[] z = new float[rows * classes];
          z[0] = INF;
          Loss result = loss(device, z, classes, rows, label);
          assertThat(result.loss).as("loss %s", label).isNaN();
          assertThat(result.gradient[0]).isNaN();
          assertThat(result.gradient[1]).isNaN();
        }
      }
    }
  }

  /** What is minus infinity has no chance, and that is all. */
  @ParameterizedTest
  @MethodSource("devices")
  void aMaskedClassIsFine(Device device) {
    for (int rows : new int[] {1, 40}) {
      float[] z = new float[rows * 2];
      for (int r = 0; r < rows; r++) {
        z[2 * r] = -INF;
      }
      Loss result = loss(device, z, 2, rows, 1);
      assertThat(result.loss).isLessThan(1e-30f).isNotNegative();
      for (float g : result.gradient) {
        assertThat(Math.abs(g)).isLessThan(1e-30f);
      }
    }
  }

  private record Loss(float loss, float[] gradient) {}

  private static Loss loss(Device device, float[] z, int classes, int rows, int label) {
    try (Scope _ = Scope.open()) {
      int[] labels = new int[rows];
      Arrays.fill(labels, label);
      Tensor logits = tensor(device, z, rows, classes);
      Tensor one = tensor(device, new float[1], 1);
      Tensor gradient = logits.emptyLike();
      Backends.of(device)
          .loss()
          .crossEntropy(logits, Tensor.of(labels, rows).to(device), 255, one, gradient);
      return new Loss(one.toFloatArray()[0], gradient.toFloatArray());
    }
  }
}
