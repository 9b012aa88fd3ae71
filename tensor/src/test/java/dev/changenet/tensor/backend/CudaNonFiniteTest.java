package dev.changenet.tensor.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Tensor;
import dev.changenet.testing.CudaStub;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link NonFiniteTest} on the stub driver. */
@Tag("cuda-stub")
class CudaNonFiniteTest {
  private static final Device GPU = Device.cuda(0);

  @BeforeAll
  static void build() {
    CudaStub.build();
  }

  @Test
  void reluPassesTheGradientOfNaN() {
    new NonFiniteTest().reluPassesTheGradientOfNaN(GPU);
  }

  @Test
  void anInfiniteLogitIsNoCertainPrediction() {
    new NonFiniteTest().anInfiniteLogitIsNoCertainPrediction(GPU);
  }

  @Test
  void aMaskedClassIsFine() {
    new NonFiniteTest().aMaskedClassIsFine(GPU);
  }

  /** Kernels for 3x3 with four channels at a time, and for any size. */
  @Test
  void reluBehindADepthwiseConvolutionKeepsNaN() {
    for (int kernel : new int[] {3, 5}) {
      for (int channels : new int[] {8, 3}) {
        try (Scope _ = Scope.open()) {
          float[] values = new float[6 * 6 * channels];
          values[0] = Float.NaN;
          Tensor x = Tensor.of(values, 1, 6, 6, channels).to(GPU);
          float[] ones = new float[channels * kernel * kernel];
          Arrays.fill(ones, 1);
          Tensor w = Tensor.of(ones, channels, 1, kernel, kernel).to(GPU);
          Tensor out = x.emptyLike();
          ConvGeometry same = new ConvGeometry(1, kernel / 2, channels);
          Backends.of(GPU).convolution().conv2d(x, w, null, same, true, out);
          float[] result = out.toFloatArray();
          assertThat(result[0]).as("kernel %s, channels %s", kernel, channels).isNaN();
          assertThat(result[result.length - 1]).isZero();
        }
      }
    }
  }
}
