package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.testing.CudaStub;
import dev.changenet.testing.CudaTransfer;
import dev.changenet.testing.HalfRows;
import dev.changenet.testing.OpParity;
import dev.changenet.testing.OpTable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions by a stub of cuDNN: what it is told, and which of its algorithms is used. */
@Tag("cudnn-stub")
class CudnnConvolutionTest {
  private static final Device GPU = Device.cuda(0);
  private static final ConvGeometry SAME = new ConvGeometry(1, 1, 1);
  private static final ConvGeometry HALVE = new ConvGeometry(2, 1, 1);

  // The stub's algorithms.
  private static final int RANDOM = 0;
  private static final int USUAL = 1;
  private static final int LARGE = 3;

  private static CudaStub stub;

  private final CudaBackend cuda = CudaBackend.of(0);
  private long[] before;

  @BeforeAll
  static void build() {
    stub = CudaStub.build();
  }

  @BeforeEach
  void count() {
    before = runs();
  }

  @AfterEach
  void usualChoice() {
    cuda.chooseAlgorithms(false, true);
    cuda.cudnn().refuse(1L << 31);
  }

  static List<OpTable.Row> rows() {
    return OpTable.rows().stream().filter(row -> row.name().startsWith("convolution.")).toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void agreesWithTheReference(OpTable.Row row) {
    long storages = MemoryUse.liveStorages();
    OpParity.assertClose(row, run(row, DType.FLOAT32), row.run(Device.REFERENCE));
    for (DType half : new DType[] {DType.BFLOAT16, DType.FLOAT16}) {
      HalfRows.assertClose(row, half, run(row, half), HalfRows.expected(row, half));
    }
    assertThat(MemoryUse.liveStorages()).as("storages left behind").isEqualTo(storages);
  }

  /** Maps of 2^31 elements, which cuDNN refuses, are given to it in parts. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void agreesWithTheReferenceInParts(OpTable.Row row) {
    for (int tooMany : new int[] {2, 450, 2000}) {
      cuda.cudnn().refuse(tooMany);
      OpParity.assertClose(row, run(row, DType.FLOAT32), row.run(Device.REFERENCE));
      HalfRows.assertClose(
          row, DType.FLOAT16, run(row, DType.FLOAT16), HalfRows.expected(row, DType.FLOAT16));
    }
  }

  /** Two samples at a time of five. */
  @Test
  void largeMapsAreGivenInParts() {
    cuda.cudnn().refuse(3 * 8 * 8 * 6);
    convolve(5, 6, 3, SAME);
    assertThat(newRuns()).containsExactly(0, 3, 0, 0, 3, 0, 0, 3, 0);
    cuda.cudnn().refuse(8 * 8 * 6);
    convolve(5, 6, 3, SAME);
    assertThat(newRuns()).as("by matrix products").containsExactly(0, 3, 0, 0, 3, 0, 0, 3, 0);
  }

  private Map<String, double[]> run(OpTable.Row row, DType dtype) {
    return row.run(cuda, GPU, dtype, new CudaTransfer());
  }

  @Test
  void itIsInUse() {
    assertThat(cuda.settings()).doesNotContain("cuDNN");
  }

  /** Not the random one that is offered first, nor the one whose workspace is too large. */
  @Test
  void thePredictedDeterministicAlgorithmIsUsed() {
    convolve(6, 3, SAME);
    assertThat(newRuns()).containsExactly(0, 1, 0, 0, 1, 0, 0, 1, 0);
  }

  @Test
  void anyAlgorithmWhereTheBitsMayDiffer() {
    cuda.chooseAlgorithms(false, false);
    convolve(6, 3, SAME);
    assertThat(newRuns()).containsExactly(1, 0, 0, 1, 0, 0, 1, 0, 0);
  }

  /** 2.5 times as slow as the fastest is worth it, four times is not. */
  @Test
  void timedAlgorithms() {
    cuda.chooseAlgorithms(true, true);
    convolve(6, 4, HALVE);
    assertThat(newRuns()).containsExactly(0, 1, 0, 0, 1, 0, 0, 1, 0);
    convolve(6, 3, SAME);
    assertThat(newRuns()).as("by matrix products").containsExactly(0, 1, 0, 0, 1, 0, 0, 1, 0);
    cuda.chooseAlgorithms(true, false);
    convolve(6, 3, SAME);
    assertThat(newRuns()).containsExactly(1, 1, 0, 1, 1, 0, 1, 1, 0);
  }

  @Test
  void matrixProductsWhereNoAlgorithmIsUsable() {
    float[][] got = convolve(33, 3, SAME);
    assertThat(newRuns()).containsOnly(0);
    cuda.chooseAlgorithms(false, false);
    float[][] random = convolve(33, 3, SAME);
    assertThat(newRuns()).containsExactly(1, 0, 0, 1, 0, 0, 1, 0, 0);
    for (int i = 0; i < got.length; i++) {
      assertThat(got[i]).usingComparatorWithPrecision(1e-5f).containsExactly(random[i]);
    }
  }

  /** Timing waits for the GPU, which a recording forbids. */
  @Test
  void timingWhileAGraphIsRecordedIsRefused() {
    cuda.device().blas();
    cuda.chooseAlgorithms(true, true);
    assertThatThrownBy(() -> cuda.capture(true, () -> convolveOnGpu(1, 6, 4, HALVE)).close())
        .isInstanceOf(CudaException.class)
        .hasMessageContaining("choosing cuDNN's forward algorithm failed");
    convolve(6, 4, HALVE);
    assertThat(newRuns()).containsExactly(0, 1, 0, 0, 1, 0, 0, 1, 0);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void aRecordedConvolutionGivesTheSameBits(DType type) {
    cuda.device().blas();
    try (Tensor x = ramp(type, 2, 5, 4, 8);
        Tensor w = ramp(DType.FLOAT32, 8, 8, 3, 3);
        Tensor y = Tensor.empty(Shape.of(2, 5, 4, 8), type, GPU).detached()) {
      cuda.convolution().conv2d(x, w, null, SAME, false, y);
      float[] expected = floats(y);
      try (CudaGraph graph =
          cuda.capture(false, () -> cuda.convolution().conv2d(x, w, null, SAME, false, y))) {
        cuda.elementwise().fill(y, 0);
        graph.replay(() -> cuda.convolution().conv2d(x, w, null, SAME, false, y));
        assertThat(floats(y)).containsExactly(expected);
        assertThat(newRuns()[USUAL]).isEqualTo(3);
      }
    }
  }

  /** Output, gradient of the input and of the weight of one convolution. */
  private float[][] convolve(int channels, int kernel, ConvGeometry geometry) {
    return convolve(1, channels, kernel, geometry);
  }

  private float[][] convolve(int batch, int channels, int kernel, ConvGeometry geometry) {
    Tensor[] results = convolveOnGpu(batch, channels, kernel, geometry);
    float[][] values = new float[results.length][];
    for (int i = 0; i < results.length; i++) {
      values[i] = results[i].toFloatArray();
      results[i].close();
    }
    return values;
  }

  private Tensor[] convolveOnGpu(int batch, int channels, int kernel, ConvGeometry geometry) {
    int out = geometry.outSize(8, kernel);
    try (Tensor x = ramp(DType.FLOAT32, batch, 8, 8, channels);
        Tensor w = ramp(DType.FLOAT32, channels, channels, kernel, kernel);
        Tensor g = ramp(DType.FLOAT32, batch, out, out, channels)) {
      Tensor y = empty(batch, out, out, channels);
      Tensor gradX = empty(batch, 8, 8, channels);
      Tensor gradW = empty(channels, channels, kernel, kernel);
      cuda.convolution().conv2d(x, w, null, geometry, false, y);
      cuda.convolution().conv2dBackwardInput(g, w, geometry, gradX);
      cuda.convolution().conv2dBackwardWeight(g, x, geometry, gradW, null);
      return new Tensor[] {y, gradX, gradW};
    }
  }

  private static Tensor empty(int... shape) {
    return Tensor.empty(Shape.of(shape), DType.FLOAT32, GPU).detached();
  }

  private Tensor ramp(DType type, int... shape) {
    float[] values = new float[Math.toIntExact(Shape.of(shape).elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 37 % 101 - 50) / 100f;
    }
    Tensor t = Tensor.empty(Shape.of(shape), type, GPU).detached();
    try (Tensor onCpu = Tensor.of(values, shape).detached();
        Tensor f = onCpu.to(GPU).detached()) {
      cuda.elementwise().cast(f, t);
    }
    return t;
  }

  private float[] floats(Tensor t) {
    try (Tensor f = Tensor.empty(t.shape(), DType.FLOAT32, GPU).detached()) {
      cuda.elementwise().cast(t, f);
      return f.toFloatArray();
    }
  }

  /** Runs since the test began, of RANDOM, USUAL and LARGE: forward, input, weight. */
  private long[] newRuns() {
    long[] now = runs();
    Arrays.setAll(now, i -> now[i] - before[i]);
    return now;
  }

  private static long[] runs() {
    int[] algorithms = {RANDOM, USUAL, LARGE};
    long[] all = new long[9];
    Arrays.setAll(all, i -> stub.convolutions(i / 3, algorithms[i % 3]));
    return all;
  }
}
