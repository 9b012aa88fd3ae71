package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.randomTensor;
import static dev.changenet.tensor.cpu.KernelSamples.relativeRms;
import static dev.changenet.tensor.cpu.KernelSamples.sameForAnyThreads;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.reference.ReferenceConvolution;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The composed convolution against two convolutions in double precision, borders included. */
class ConvolutionPairTest {
  private static final double LIMIT = 2e-6;

  private final Convolution cpu = new CpuConvolution();
  private final Convolution reference = new ReferenceConvolution();

  private static Tensor[] like(Device device, DType type, Tensor... tensors) {
    Tensor[] out = new Tensor[tensors.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = Tensor.full(tensors[i].shape(), type, device, Float.NaN);
    }
    return out;
  }

  @ParameterizedTest(name = "{0}x{1}x{2}, {3} -> {4} -> {5}")
  @CsvSource({
    "1, 7, 9, 16, 32, 2",
    "2, 5, 6, 24, 24, 1",
    "1, 1, 1, 16, 32, 2",
    "2, 1, 8, 16, 16, 2",
    "1, 6, 1, 16, 16, 2",
    "1, 2, 2, 17, 33, 3",
    "1, 3, 40, 16, 64, 5",
    "1, 90, 64, 32, 64, 8"
  })
  void equalsTwoConvolutionsInBothDirections(int b, int h, int w, int i, int m, int o) {
    ConvSizes first = new ConvSizes(b, h, w, i, h, w, m, 3, 3, 1, 1);
    assertThat(ConvolutionPair.suits(first, o)).isEqualTo(25 * o < 4 * m);
    Tensor x = randomTensor(1, b, h, w, i);
    Tensor w1 = randomTensor(2, m, i, 3, 3);
    Tensor b1 = randomTensor(3, m);
    Tensor w2 = randomTensor(4, o, m, 3, 3);
    Tensor g = randomTensor(5, b, h, w, o);
    Tensor[] expected = like(Device.REFERENCE, DType.FLOAT64, g, x, w1, b1, w2);
    reference.conv2dPair(x, w1, b1, w2, expected[0]);
    reference.conv2dPairBackward(
        g, x, w1, b1, w2, expected[1], expected[2], expected[3], expected[4]);
    List<Integer> lengths = new ArrayList<>();
    float[] actual =
        sameForAnyThreads(
            () -> {
              Tensor[] t = like(Device.CPU, DType.FLOAT32, g, x, w1, b1, w2);
              cpu.conv2dPair(x, w1, b1, w2, t[0]);
              cpu.conv2dPairBackward(g, x, w1, b1, w2, t[1], t[2], t[3], t[4]);
              lengths.clear();
              int all = 0;
              for (Tensor a : t) {
                lengths.add(all);
                all += a.floats().length;
              }
              float[] joined = new float[all];
              for (int k = 0; k < t.length; k++) {
                System.arraycopy(t[k].floats(), 0, joined, lengths.get(k), t[k].floats().length);
              }
              return joined;
            });
    for (int k = 0; k < expected.length; k++) {
      double[] want = expected[k].doubles();
      float[] got = new float[want.length];
      System.arraycopy(actual, lengths.get(k), got, 0, got.length);
      assertThat(relativeRms(got, want)).as("result " + k).isLessThan(LIMIT);
    }
  }
}
