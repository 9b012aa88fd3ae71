package dev.changenet.tensor.cpu;

import static dev.changenet.tensor.cpu.KernelSamples.randomTensor;
import static dev.changenet.tensor.cpu.KernelSamples.relativeRms;
import static dev.changenet.tensor.cpu.KernelSamples.sameForAnyThreads;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Convolution;
import dev.changenet.tensor.reference.ReferenceConvolution;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WinogradConvolutionTest {
  private static final double FORWARD_RMS = 1.5e-6;
  private static final double WEIGHT_RMS = 5e-6;

  private final Convolution cpu = new CpuConvolution();
  private final Convolution reference = new ReferenceConvolution();
  private ConvolutionMode before;

  @BeforeEach
  void chooseFastMode() {
    before = ConvolutionMode.get();
    ConvolutionMode.set(ConvolutionMode.FAST);
  }

  @AfterEach
  void restoreMode() {
    ConvolutionMode.set(before);
  }

  private void compare(int[] shape, double limit, BiConsumer<Convolution, Tensor> op) {
    Tensor expected = Tensor.empty(Shape.of(shape), DType.FLOAT64, Device.REFERENCE);
    op.accept(reference, expected);
    float[] actual =
        sameForAnyThreads(
            () -> {
              Tensor out = Tensor.full(Shape.of(shape), DType.FLOAT32, Device.CPU, Float.NaN);
              op.accept(cpu, out);
              return out.floats();
            });
    assertThat(relativeRms(actual, expected.doubles())).isLessThan(limit);
  }

  @ParameterizedTest(name = "{0}x{1}x{2}, {3} -> {4}, padding {5}")
  @CsvSource({
    "1, 16, 17, 64, 32, 1",
    "2, 17, 19, 64, 64, 1",
    "1, 13, 34, 96, 64, 0",
    "1, 15, 18, 64, 96, 2",
    "1, 16, 18, 288, 64, 1",
    "1, 3, 100, 64, 64, 1",
    "3, 33, 31, 64, 64, 1",
    "1, 64, 72, 288, 64, 1",
    "1, 18, 20, 80, 112, 1"
  })
  void fastModeEqualsTheReferenceInAllDirections(int b, int h, int w, int i, int o, int padding) {
    ConvGeometry g = new ConvGeometry(1, padding, 1);
    Tensor x = randomTensor(1, b, h, w, i);
    Tensor weight = randomTensor(2, o, i, 3, 3);
    Tensor bias = randomTensor(3, o);
    Tensor grad = randomTensor(4, b, g.outSize(h, 3), g.outSize(w, 3), o);
    ConvSizes sizes = ConvSizes.of(x, grad, weight, g);
    assertThat(WinogradConvolution.suits(sizes)).isEqualTo(expected(WinogradShape.THREE, i, o));
    int[] out = grad.shape().toArray();
    compare(out, FORWARD_RMS, (c, t) -> c.conv2d(x, weight, bias, g, true, t));
    compare(out, FORWARD_RMS, (c, t) -> c.conv2d(x, weight, null, g, false, t));
    compare(
        new int[] {b, h, w, i}, FORWARD_RMS, (c, t) -> c.conv2dBackwardInput(grad, weight, g, t));
    compare(
        weight.shape().toArray(),
        WEIGHT_RMS,
        (c, t) -> c.conv2dBackwardWeight(grad, x, g, t, null));
  }

  private static WinogradShape expected(WinogradShape shape, int inputs, int outputs) {
    return inputs % GemmKernels.NR == 0 && outputs % GemmKernels.NR == 0 ? shape : null;
  }

  /** The three directions of the convolution whose transpose doubles a map. */
  @ParameterizedTest(name = "{0}x{1}x{2}, {3} -> {4}")
  @CsvSource({
    "1, 16, 21, 32, 64",
    "2, 17, 19, 64, 96",
    "1, 5, 83, 288, 64",
    "1, 1, 300, 64, 64",
    "3, 20, 21, 96, 64",
    "1, 80, 80, 64, 64",
    "1, 20, 23, 112, 80"
  })
  void fastModeEqualsTheReferenceForTheDoublingConvolution(int b, int h, int w, int i, int o) {
    ConvGeometry g = new ConvGeometry(2, 1, 1);
    Tensor small = randomTensor(1, b, h, w, i);
    Tensor large = randomTensor(2, b, 2 * h, 2 * w, o);
    Tensor weight = randomTensor(3, i, o, 4, 4);
    Tensor bias = randomTensor(4, i);
    ConvSizes sizes = ConvSizes.of(large, small, weight, g);
    assertThat(WinogradConvolution.suits(sizes))
        .isEqualTo(expected(WinogradShape.TRANSPOSED, i, o));
    compare(
        large.shape().toArray(), FORWARD_RMS, (c, t) -> c.conv2dBackwardInput(small, weight, g, t));
    compare(
        small.shape().toArray(), FORWARD_RMS, (c, t) -> c.conv2d(large, weight, bias, g, true, t));
    compare(
        weight.shape().toArray(),
        WEIGHT_RMS,
        (c, t) -> c.conv2dBackwardWeight(small, large, g, t, null));
  }

  /** Buffers must fit every number of tiles; fresh threads start with none. */
  @Test
  void everyNumberOfTilesFitsItsBlock() throws InterruptedException {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor w = randomTensor(2, 32, 64, 3, 3);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int tiles = 17; tiles <= 210; tiles += tiles == 75 ? 105 : 1) {
      Tensor x = randomTensor(tiles, 1, 4, 4 * tiles, 64);
      Thread thread =
          Thread.ofPlatform()
              .uncaughtExceptionHandler((t, e) -> failure.set(e))
              .start(() -> cpu.conv2d(x, w, null, g, false, x.emptyLike(1, 4, x.dim(2), 32)));
      thread.join();
      assertThat(failure.get()).as(tiles + " tiles").isNull();
    }
  }

  /** The same for phases, in all three directions. */
  @Test
  void everyNumberOfTilesFitsItsBlockPhaseByPhase() throws InterruptedException {
    ConvGeometry g = new ConvGeometry(2, 1, 1);
    Tensor w = randomTensor(2, 64, 64, 4, 4);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int tiles : new int[] {17, 28, 56, 57, 85, 195, 196, 197, 256, 257, 300}) {
      Tensor small = randomTensor(tiles, 1, 3, 5 * tiles - 1, 64);
      Tensor large = randomTensor(3, 1, 6, 10 * tiles - 2, 64);
      for (Runnable direction :
          List.<Runnable>of(
              () -> cpu.conv2d(large, w, null, g, false, small.emptyLike()),
              () -> cpu.conv2dBackwardInput(small, w, g, large.emptyLike()),
              () -> cpu.conv2dBackwardWeight(small, large, g, w.emptyLike(), null))) {
        Thread thread =
            Thread.ofPlatform().uncaughtExceptionHandler((t, e) -> failure.set(e)).start(direction);
        thread.join();
        assertThat(failure.get()).as(tiles + " tiles").isNull();
      }
    }
  }

  @Test
  void smallCachesAndFewThreadsHaveSmallBlocks() {
    int large = WinogradConvolution.mostTiles(64, 64, 2 << 20, 2);
    int small = WinogradConvolution.mostTiles(64, 64, 1 << 20, 2);
    assertThat(small).isLessThan(large);
    assertThat(WinogradConvolution.mostTiles(256, 256, 1 << 20, 2)).isEqualTo(small);
    assertThat(WinogradConvolution.mostTiles(512, 256, 1 << 20, 2)).isEqualTo(large);
    assertThat(WinogradConvolution.mostTiles(64, 64, 1 << 20, 16)).isEqualTo(large);
    assertThat(WinogradConvolution.mostTiles(64, 1 << 20, 1 << 20, 2)).isEqualTo(GemmKernels.MR);
  }

  @Test
  void theSizeOfBlocksDoesNotChangeTheResult() {
    assumeThat(expected(WinogradShape.THREE, 64, 64)).as("vectors are too long").isNotNull();
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = randomTensor(1, 1, 57, 61, 64);
    Tensor w = randomTensor(2, 64, 64, 3, 3);
    ConvSizes s = ConvSizes.of(x, x, w, g);
    WinogradShape shape = WinogradShape.THREE;
    WinogradConvolution.Weights weights =
        new WinogradConvolution.Weights(3, 64, 64 * 9, 64, 9, false, shape.tapsOfPhases(false));
    float[] packed = new float[WinogradConvolution.packedLength(64, 64)];
    WinogradConvolution.pack(w.floats(), weights, packed);
    int tiles = shape.toSmall(s).count();
    float[] expected = null;
    for (int most : new int[] {tiles, 196, 84, 56, 24, GemmKernels.MR}) {
      float[] out = new float[(int) x.elements()];
      WinogradConvolution.run(
          x.floats(),
          shape.large(s, true),
          shape.toSmall(s),
          packed,
          out,
          shape.small(s, false),
          GemmTile.Epilogue.OVERWRITE,
          most);
      if (expected == null) {
        expected = out;
      }
      assertThat(out).as("%d of %d tiles in a block", most, tiles).isEqualTo(expected);
    }
  }

  /** The transposed convolution with its bias. */
  @Test
  void transposedConvolutionAddsTheBias() {
    ConvGeometry g = new ConvGeometry(2, 1, 1);
    Tensor x = randomTensor(1, 1, 20, 23, 64);
    Tensor w = randomTensor(2, 64, 32, 4, 4);
    Tensor bias = randomTensor(3, 32);
    compare(new int[] {1, 40, 46, 32}, FORWARD_RMS, (c, t) -> c.convTranspose2d(x, w, bias, g, t));
  }

  @Test
  void usesTheWeightAsItIsAfterAnUpdateInBothDirections() {
    ConvGeometry g = new ConvGeometry(1, 1, 1);
    Tensor x = Tensor.full(Shape.of(1, 16, 16, 64), DType.FLOAT32, Device.CPU, 1);
    Tensor w = Tensor.full(Shape.of(64, 64, 3, 3), DType.FLOAT32, Device.CPU, 0);
    Tensor out = x.emptyLike();
    cpu.conv2d(x, w, null, g, false, out);
    assertThat(out.floats()).containsOnly(0f);
    java.util.Arrays.fill(w.floats(), 1f);
    w.storage().changed();
    cpu.conv2d(x, w, null, g, false, out);
    assertThat(out.at(17 * 64)).isCloseTo(9 * 64, org.assertj.core.data.Offset.offset(1e-2));
    cpu.conv2dBackwardInput(x, w, g, out);
    assertThat(out.at(17 * 64)).isCloseTo(9 * 64, org.assertj.core.data.Offset.offset(1e-2));
  }

  @Test
  void modeIsReadFromTheEnvironmentVariablesValue() {
    assertThat(ConvolutionMode.fromEnvironment(null)).isEqualTo(ConvolutionMode.FAST);
    assertThat(ConvolutionMode.fromEnvironment(" Fast ")).isEqualTo(ConvolutionMode.FAST);
    assertThat(ConvolutionMode.fromEnvironment("exact")).isEqualTo(ConvolutionMode.EXACT);
    assertThatThrownBy(() -> ConvolutionMode.fromEnvironment("quick"))
        .isInstanceOf(ChangeNetException.class)
        .hasMessageContaining("CHANGENET_CONV")
        .hasMessageContaining("quick");
  }
}
