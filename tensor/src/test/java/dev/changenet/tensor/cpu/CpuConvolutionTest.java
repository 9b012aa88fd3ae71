package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.assertClose;
import static dev.changenet.tensor.cpu.KernelSamples.randomTensor;
import static dev.changenet.tensor.cpu.KernelSamples.sameForAnyThreads;
import static org.assertj.core.api.Assertions.assertThat;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.reference.ReferenceConvolution;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuConvolutionTest {
  private final Convolution cpu = new CpuConvolution();
  private final Convolution reference = new ReferenceConvolution();
  private ConvolutionMode before;

  @BeforeEach
  void chooseExactMode() {
    before = ConvolutionMode.get();
    ConvolutionMode.set(ConvolutionMode.EXACT);
  }

  @AfterEach
  void restoreMode() {
    ConvolutionMode.set(before);
  }

  private void compare(int[] shape, BiConsumer<Convolution, Tensor> op) {
    Tensor expected = Tensor.empty(Shape.of(shape), DType.FLOAT64, Device.REFERENCE);
    op.accept(reference, expected);
    float[] actual =
        sameForAnyThreads(
            () -> {
              Tensor out = Tensor.full(Shape.of(shape), DType.FLOAT32, Device.CPU, Float.NaN);
              op.accept(cpu, out);
              return out.floats();
            });
    assertClose(actual, expected.doubles(), 2e-5);
  }

  private void checkConvolution(int b, int h, int w, int i, int o, int kh, int kw, ConvGeometry g) {
    int oh = g.outSize(h, kh);
    int ow = g.outSize(w, kw);
    Tensor x = randomTensor(1, b, h, w, i);
    Tensor weight = randomTensor(2, o, i / g.groups(), kh, kw);
    Tensor bias = randomTensor(3, o);
    Tensor grad = randomTensor(4, b, oh, ow, o);
    Tensor gradW = weight.emptyLike();
    int[] out = {b, oh, ow, o};
    compare(out, (c, t) -> c.conv2d(x, weight, bias, g, false, t));
    compare(out, (c, t) -> c.conv2d(x, weight, bias, g, true, t));
    compare(out, (c, t) -> c.conv2d(x, weight, null, g, true, t));
    compare(new int[] {b, h, w, i}, (c, t) -> c.conv2dBackwardInput(grad, weight, g, t));
    compare(weight.shape().toArray(), (c, t) -> c.conv2dBackwardWeight(grad, x, g, t, null));
    compare(new int[] {o}, (c, t) -> c.conv2dBackwardWeight(grad, x, g, gradW, t));
  }

  @ParameterizedTest(name = "{0}x{1}x{2}, {3} -> {4}, kernel {5}x{6} stride {7} padding {8}")
  @CsvSource({
    "1, 8, 8, 32, 32, 3, 3, 1, 1",
    "2, 5, 7, 17, 33, 3, 3, 1, 1",
    "1, 1, 1, 16, 5, 3, 3, 1, 1",
    "1, 3, 67, 19, 31, 3, 3, 1, 1",
    "1, 2, 261, 16, 8, 3, 3, 1, 1",
    "1, 3, 5, 300, 40, 3, 3, 1, 1",
    "1, 33, 14, 40, 2, 3, 3, 1, 1",
    "2, 6, 9, 48, 3, 3, 3, 1, 1",
    "1, 9, 6, 2, 2, 3, 3, 1, 1",
    "1, 5, 6, 2, 64, 3, 3, 1, 1",
    "1, 6, 5, 24, 40, 1, 1, 1, 0",
    "1, 6, 5, 24, 2, 1, 1, 1, 0",
    "1, 6, 5, 24, 40, 1, 1, 2, 0",
    "1, 9, 11, 3, 20, 3, 3, 2, 1",
    "2, 12, 8, 3, 24, 4, 4, 4, 0",
    "1, 13, 10, 20, 24, 2, 2, 2, 0",
    "1, 13, 9, 20, 24, 4, 4, 4, 0",
    "1, 15, 13, 18, 12, 3, 3, 2, 1",
    "1, 28, 28, 3, 16, 14, 14, 14, 0",
    "1, 9, 10, 20, 7, 5, 3, 1, 2",
    "1, 10, 11, 17, 9, 3, 2, 3, 1",
    "1, 7, 7, 16, 9, 7, 7, 1, 3",
    "2, 7, 5, 41, 37, 3, 3, 1, 1",
    "3, 9, 11, 33, 45, 3, 3, 2, 1",
    "1, 9, 10, 34, 35, 5, 3, 1, 2",
    "1, 10, 11, 47, 32, 3, 2, 3, 1",
    "2, 13, 8, 64, 40, 2, 2, 2, 0",
    "1, 16, 15, 36, 35, 3, 3, 1, 1",
    "1, 17, 16, 300, 40, 3, 3, 1, 1",
    "1, 34, 34, 40, 300, 2, 2, 2, 0"
  })
  void convolutionAndItsGradientsEqualTheReference(
      int b, int h, int w, int i, int o, int kh, int kw, int stride, int padding) {
    checkConvolution(b, h, w, i, o, kh, kw, new ConvGeometry(stride, padding, 1));
  }

  @ParameterizedTest(name = "{0}x{1}x{2}, {3} channels, kernel {4} stride {5} padding {6}")
  @CsvSource({
    "1, 8, 8, 16, 3, 1, 1",
    "2, 5, 7, 17, 3, 1, 1",
    "1, 1, 3, 1, 3, 1, 1",
    "1, 19, 23, 40, 7, 1, 3",
    "1, 16, 16, 70, 7, 1, 3",
    "1, 33, 9, 131, 3, 1, 1",
    "1, 9, 9, 20, 5, 1, 0",
    "1, 9, 10, 20, 3, 2, 1"
  })
  void depthwiseConvolutionAndItsGradientsEqualTheReference(
      int b, int h, int w, int c, int k, int stride, int padding) {
    checkConvolution(b, h, w, c, c, k, k, new ConvGeometry(stride, padding, c));
  }

  @Test
  void otherGroupsEqualTheReference() {
    checkConvolution(1, 5, 6, 6, 9, 3, 3, new ConvGeometry(1, 1, 3));
  }

  @ParameterizedTest(name = "{0}x{1}x{2}, {3} -> {4}, kernel {5} stride {6} padding {7}")
  @CsvSource({
    "1, 8, 8, 32, 32, 4, 2, 1",
    "2, 5, 7, 17, 33, 4, 2, 1",
    "1, 1, 1, 16, 5, 4, 2, 1",
    "1, 3, 67, 20, 24, 4, 2, 1",
    "1, 6, 5, 3, 4, 4, 2, 1",
    "1, 6, 5, 40, 33, 2, 2, 0",
    "1, 4, 5, 20, 18, 3, 2, 1",
    "1, 4, 5, 20, 18, 3, 1, 1",
    "1, 4, 3, 16, 18, 2, 3, 0",
    "2, 4, 5, 40, 33, 3, 2, 1",
    "1, 17, 14, 34, 36, 3, 1, 1"
  })
  void transposedConvolutionAndItsGradientsEqualTheReference(
      int b, int h, int w, int i, int o, int k, int stride, int padding) {
    ConvGeometry g = new ConvGeometry(stride, padding, 1);
    int oh = g.transposedOutSize(h, k);
    int ow = g.transposedOutSize(w, k);
    Tensor x = randomTensor(1, b, h, w, i);
    Tensor weight = randomTensor(2, i, o, k, k);
    Tensor bias = randomTensor(3, o);
    Tensor grad = randomTensor(4, b, oh, ow, o);
    Tensor gradW = weight.emptyLike();
    int[] out = {b, oh, ow, o};
    compare(out, (c, t) -> c.convTranspose2d(x, weight, bias, g, t));
    compare(out, (c, t) -> c.convTranspose2d(x, weight, null, g, t));
    compare(new int[] {b, h, w, i}, (c, t) -> c.convTranspose2dBackwardInput(grad, weight, g, t));
    compare(
        weight.shape().toArray(), (c, t) -> c.convTranspose2dBackwardWeight(grad, x, g, t, null));
    compare(new int[] {o}, (c, t) -> c.convTranspose2dBackwardWeight(grad, x, g, gradW, t));
  }

  @Test
  void convolutionUsesTheWeightAsItIsAfterAnUpdate() {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = Tensor.full(Shape.of(1, 3, 3, 16), DType.FLOAT32, Device.CPU, 1);
    Tensor w = Tensor.full(Shape.of(16, 16, 3, 3), DType.FLOAT32, Device.CPU, 0);
    Tensor out = x.emptyLike();
    cpu.conv2d(x, w, null, g, false, out);
    assertThat(out.floats()).containsOnly(0f);
    java.util.Arrays.fill(w.floats(), 1f);
    w.storage().changed();
    cpu.conv2d(x, w, null, g, false, out);
    assertThat(out.at(4 * 16)).isEqualTo(9 * 16);
    cpu.conv2dBackwardInput(x, w, g, out);
    assertThat(out.at(4 * 16)).isEqualTo(9 * 16);
  }

  @Test
  void infiniteInputsReachOnlyTheOutputsThatSeeThem() {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = randomTensor(1, 1, 6, 6, 16);
    Tensor w = randomTensor(2, 16, 16, 3, 3);
    x.floats()[0] = Float.POSITIVE_INFINITY;
    Tensor out = x.emptyLike();
    cpu.conv2d(x, w, null, g, false, out);
    for (int p = 0; p < 36; p++) {
      boolean sees = p / 6 < 2 && p % 6 < 2;
      assertThat(Double.isFinite(out.at(p * 16))).as("pixel %d", p).isEqualTo(!sees);
    }
  }

  @Test
  void roundingErrorOfWideConvolutionsStaysSmall() {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = randomTensor(1, 1, 17, 17, 256);
    Tensor w = randomTensor(2, 64, 256, 3, 3);
    Tensor out = Tensor.empty(Shape.of(1, 17, 17, 64), DType.FLOAT32, Device.CPU);
    Tensor expected = Tensor.empty(Shape.of(1, 17, 17, 64), DType.FLOAT64, Device.REFERENCE);
    cpu.conv2d(x, w, null, g, false, out);
    reference.conv2d(x, w, null, g, false, expected);
    assertThat(KernelSamples.relativeRms(out.floats(), expected.doubles())).isLessThan(5e-7);
  }

  @Test
  void weightGradientOfLargeMapsKeepsItsRoundingErrorSmall() {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = randomTensor(1, 1, 128, 128, 16);
    Tensor grad = randomTensor(2, 1, 128, 128, 16);
    Tensor gradW = Tensor.empty(Shape.of(16, 16, 3, 3), DType.FLOAT32, Device.CPU);
    Tensor expected = Tensor.empty(Shape.of(16, 16, 3, 3), DType.FLOAT64, Device.REFERENCE);
    cpu.conv2dBackwardWeight(grad, x, g, gradW, null);
    reference.conv2dBackwardWeight(grad, x, g, expected, null);
    assertThat(KernelSamples.relativeRms(gradW.floats(), expected.doubles())).isLessThan(8e-7);
  }
}
