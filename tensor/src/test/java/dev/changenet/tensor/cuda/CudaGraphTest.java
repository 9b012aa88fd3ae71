package dev.changenet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.MemoryUse;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.ConvGeometry;
import dev.changenet.tensor.backend.Optimize.AdamTensors;
import dev.changenet.tensor.backend.Optimize.SgdTensors;
import dev.changenet.testing.CudaStub;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Recorded work gives the bits of the work itself, on the stub driver. */
@Tag("cuda-stub")
@Tag("cudnn-stub")
class CudaGraphTest {
  private static final Device GPU = Device.cuda(0);

  private static CudaStub stub;

  private CudaBackend cuda;
  private long storages;

  @BeforeAll
  static void build() {
    stub = CudaStub.build();
  }

  @BeforeEach
  void start() {
    cuda = CudaBackend.of(0);
    cuda.device().blas();
    cuda.synchronize();
    cuda.trim();
    storages = MemoryUse.liveStorages();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(MemoryUse.liveStorages()).as("storages left behind").isEqualTo(storages);
  }

  private static Tensor upload(float... values) {
    try (Tensor onCpu = Tensor.of(values, values.length).detached()) {
      return onCpu.to(GPU).detached();
    }
  }

  private static Tensor empty(DType type, int... shape) {
    return Tensor.empty(Shape.of(shape), type, GPU).detached();
  }

  /** Twice {@code values} in {@code result}. */
  private void twice(float[] values, Tensor result) {
    try (Tensor x = cuda.device().temporary(values);
        Tensor twice = empty(DType.FLOAT32, values.length)) {
      cuda.elementwise().scale(x, 2, twice);
      cuda.elementwise().copy(twice, result);
    }
  }

  @Test
  void aReplayComputesFromNewInputs() {
    try (Tensor result = upload(0, 0, 0);
        CudaGraph graph = cuda.capture(false, () -> twice(new float[] {1, 2, 3}, result))) {
      assertThat(graph.inputs()).isEqualTo(1);
      assertThat(result.toFloatArray()).containsExactly(2, 4, 6);
      for (int i = 0; i < 4; i++) {
        float[] next = {i, 10 + i, 100 + i};
        graph.replay(() -> twice(next, result));
        assertThat(result.toFloatArray()).containsExactly(2 * i, 20 + 2 * i, 200 + 2 * i);
      }
      graph.replay(new Object[] {new float[] {7, 8, 9}});
      assertThat(result.toFloatArray()).containsExactly(14, 16, 18);
    }
  }

  /** A large temporary, and behind it an input that doesn't fit beside those before. */
  private void inputBehindTemporary(float[] values, Tensor result) {
    try (Tensor temporary = empty(DType.FLOAT32, 3 * values.length)) {
      cuda.elementwise().fill(temporary, -1);
    }
    try (Tensor x = cuda.device().temporary(values)) {
      cuda.elementwise().copy(x, result);
    }
  }

  @Test
  void inputsLieWhereNoOtherWorkWrites() {
    int n = 400_000;
    float[] values = new float[n];
    try (Tensor result = empty(DType.FLOAT32, n);
        CudaGraph graph = cuda.capture(false, () -> inputBehindTemporary(values, result))) {
      assertThat(result.toFloatArray()).containsOnly(0);
      for (int i = 1; i < 4; i++) {
        Arrays.fill(values, i);
        graph.replay(() -> inputBehindTemporary(values, result));
        assertThat(result.toFloatArray()).containsOnly(i);
      }
    }
  }

  @Test
  void noKernelIsStartedToRenewInputs() {
    try (Tensor result = upload(0, 0, 0);
        CudaGraph graph = cuda.capture(false, () -> twice(new float[] {1, 2, 3}, result))) {
      cuda.synchronize();
      long before = stub.launches();
      graph.replay(() -> twice(new float[] {1, 2, 3}, result));
      cuda.synchronize();
      assertThat(stub.launches() - before).isEqualTo(2);
    }
  }

  @Test
  void otherInputsThanRecordedAreRefused() {
    try (Tensor result = upload(0, 0, 0);
        Tensor longer = upload(0, 0, 0, 0);
        CudaGraph graph = cuda.capture(false, () -> twice(new float[] {1, 2, 3}, result))) {
      assertThatThrownBy(() -> graph.replay(() -> twice(new float[] {1, 2, 3, 4}, longer)))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("copy 1 to the GPU of a recorded step is FLOAT32[4]")
          .hasMessageContaining("FLOAT32[3]");
      assertThatThrownBy(() -> graph.replay(() -> {})).hasMessageContaining("other kernels");
      assertThatThrownBy(graph::replay).hasMessageContaining("is missing");
      assertThatThrownBy(
              () ->
                  graph.replay(
                      () -> {
                        twice(new float[] {1, 2, 3}, result);
                        twice(new float[] {1, 2, 3}, result);
                      }))
          .hasMessageContaining("no further one");
      graph.replay(() -> twice(new float[] {4, 5, 6}, result));
      assertThat(result.toFloatArray()).containsExactly(8, 10, 12);
    }
  }

  @Test
  void otherArgumentsThanRecordedAreRefused() {
    try (Tensor x = upload(1, 2);
        Tensor out = upload(0, 0);
        CudaGraph graph = cuda.capture(false, () -> cuda.elementwise().scale(x, 3, out))) {
      assertThatThrownBy(() -> graph.replay(() -> cuda.elementwise().scale(x, 4, out)))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("other kernels or arguments");
    }
  }

  private static void read(Tensor x) {
    try (Scope _ = Scope.open()) {
      x.item();
    }
  }

  @Test
  void recordedWorkMustNotRead() {
    try (Tensor x = upload(5)) {
      assertThatThrownBy(() -> cuda.capture(false, () -> read(x)))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("reading a result from the GPU is not possible");
      assertThat(x.item()).isEqualTo(5);
      try (CudaGraph graph = cuda.capture(false, () -> cuda.elementwise().fill(x, 6))) {
        assertThatThrownBy(() -> graph.replay(() -> read(x))).hasMessageContaining("not possible");
      }
      assertThat(x.item()).isEqualTo(6);
    }
  }

  @Test
  void memoryComesBackWithTheGraph() {
    long used = cuda.device().allocator().usedBytes();
    Tensor[] kept = new Tensor[1];
    CudaGraph graph =
        cuda.capture(
            false,
            () -> {
              kept[0] = empty(DType.FLOAT32, 1000);
              cuda.elementwise().fill(kept[0], 3);
            });
    graph.close();
    assertThat(kept[0].toFloatArray()).hasSize(1000).containsOnly(3f);
    kept[0].close();
    assertThat(graph.pool().reservedBytes()).isZero();
    assertThat(cuda.device().allocator().usedBytes()).isEqualTo(used);
    assertThatThrownBy(() -> graph.replay(() -> {})).hasMessageContaining("after close()");
  }

  /** A convolution, a residual connection that drops samples, a projection, a loss, AdamW. */
  private static final class Network implements AutoCloseable {
    private static final int BATCH = 3;
    private static final int SIDE = 5;
    private static final int CHANNELS = 16;
    private static final ConvGeometry SAME = new ConvGeometry(1, 1, 1);

    private final CudaBackend cuda;
    private final DType type;
    private final Random random = new Random(3);
    private final List<Tensor> weights = new ArrayList<>();
    private final List<Tensor> moments = new ArrayList<>();
    private long steps;

    Network(CudaBackend cuda, DType type) {
      this.cuda = cuda;
      this.type = type;
      for (int[] shape : new int[][] {{CHANNELS, CHANNELS, 3, 3}, {2, CHANNELS}}) {
        float[] values = new float[Math.toIntExact(Shape.of(shape).elements())];
        for (int i = 0; i < values.length; i++) {
          values[i] = 0.3f * (float) random.nextGaussian();
        }
        try (Tensor onCpu = Tensor.of(values, shape).detached()) {
          weights.add(onCpu.to(GPU).detached());
        }
        for (int i = 0; i < 2; i++) {
          moments.add(Tensor.zeros(Shape.of(shape), DType.FLOAT32, GPU).detached());
        }
      }
    }

    private Tensor activations() {
      return empty(type, BATCH, SIDE, SIDE, CHANNELS);
    }

    private Tensor input() {
      float[] values = new float[BATCH * SIDE * SIDE * CHANNELS];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      Tensor x = activations();
      try (Tensor f = Tensor.of(values, BATCH, SIDE, SIDE, CHANNELS).detached();
          Tensor onGpu = f.to(GPU).detached()) {
        cuda.elementwise().cast(onGpu, x);
      }
      return x;
    }

    private Tensor labels() {
      int[] values = new int[BATCH * SIDE * SIDE];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(2);
      }
      try (Tensor onCpu = Tensor.of(values, BATCH, SIDE, SIDE).detached()) {
        return onCpu.to(GPU).detached();
      }
    }

    /** Takes a step; returns the loss. */
    Tensor step(double lr) {
      steps++;
      float[] scale = new float[BATCH];
      for (int i = 0; i < BATCH; i++) {
        scale[i] = random.nextInt(2) * 2f;
      }
      Tensor loss = empty(DType.FLOAT32);
      Tensor conv = weights.get(0);
      Tensor head = weights.get(1);
      try (Tensor x = input();
          Tensor labels = labels();
          Tensor y = activations();
          Tensor sum = activations();
          Tensor logits = empty(type, BATCH, SIDE, SIDE, 2);
          Tensor gradLogits = empty(type, BATCH, SIDE, SIDE, 2);
          Tensor gradSum = activations();
          Tensor gradY = activations();
          Tensor gradConv = empty(DType.FLOAT32, CHANNELS, CHANNELS, 3, 3);
          Tensor gradHead = empty(DType.FLOAT32, 2, CHANNELS)) {
        cuda.convolution().conv2d(x, conv, null, SAME, false, y);
        cuda.elementwise().residual(x, y, null, scale, sum);
        cuda.dense().linear(sum, head, null, logits);
        cuda.loss().crossEntropy(logits, labels, 255, loss, gradLogits);
        cuda.dense().linearBackwardWeight(gradLogits, sum, gradHead, null);
        cuda.dense().linearBackwardInput(gradLogits, head, gradSum);
        cuda.elementwise().residualBackward(gradSum, y, null, scale, gradY, null);
        cuda.convolution().conv2dBackwardWeight(gradY, x, SAME, gradConv, null);
        cuda.optimize()
            .adamAll(
                List.of(
                    new AdamTensors(conv, gradConv, moments.get(0), moments.get(1)),
                    new AdamTensors(head, gradHead, moments.get(2), moments.get(3))),
                lr,
                0.9,
                0.999,
                1e-8,
                0.01,
                true,
                steps,
                null);
      }
      return loss;
    }

    @Override
    public void close() {
      weights.forEach(Tensor::close);
      moments.forEach(Tensor::close);
    }
  }

  private List<float[]> train(CudaGraphs graphs, DType type, int steps, boolean[] replayed) {
    List<float[]> all = new ArrayList<>();
    try (graphs;
        Network network = new Network(cuda, type)) {
      for (int i = 0; i < steps; i++) {
        double lr = i < steps / 2 ? 0.05 : 0.02;
        all.add(
            graphs.run(
                "shapes",
                () -> new Tensor[] {network.step(lr)},
                results -> results[0].toFloatArray()));
        replayed[i] = graphs.usesGraph();
      }
      network.weights.forEach(w -> all.add(w.toFloatArray()));
      network.moments.forEach(w -> all.add(w.toFloatArray()));
    }
    return all;
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void trainingGivesTheSameBits(DType type) {
    int steps = 8;
    boolean[] replayed = new boolean[steps];
    List<float[]> expected = train(CudaGraphs.none(), type, steps, replayed);
    assertThat(replayed).containsOnly(false);
    List<float[]> actual = train(CudaGraphs.always(cuda, 2, false), type, steps, replayed);
    assertThat(replayed).containsExactly(false, false, true, true, true, true, true, true);
    assertThat(actual).usingRecursiveComparison().isEqualTo(expected);
    for (int i = 1; i < steps; i++) {
      assertThat(actual.get(i)[0]).as("loss of step " + i).isNotEqualTo(actual.get(i - 1)[0]);
    }
  }

  /** Weights and norm after each of some updates, of which numbers 4 and 5 have bad gradients. */
  private List<float[]> guarded(CudaGraphs graphs) {
    List<float[]> all = new ArrayList<>();
    try (graphs;
        Tensor p = upload(1, 2, 3);
        Tensor grad = upload(0, 0, 0);
        Tensor buffer = upload(0, 0, 0);
        Tensor norm = upload(0)) {
      for (int i = 0; i < 8; i++) {
        float scale = i < 5 ? 64 : 32;
        float bad = i == 4 ? Float.NEGATIVE_INFINITY : i == 5 ? Float.NaN : 1;
        float[] scaled = {scale * (1 + i), bad, -scale};
        graphs.run(
            "shapes",
            () -> {
              try (Tensor g = cuda.device().temporary(scaled)) {
                cuda.elementwise().copy(g, grad);
              }
              cuda.optimize().clip(List.of(grad), Double.POSITIVE_INFINITY, 1 / scale, norm);
              cuda.optimize()
                  .sgdAll(List.of(new SgdTensors(p, grad, buffer)), 0.1, 0.9, 0, false, norm);
              return new Tensor[] {p.share().detached()};
            },
            results -> all.add(results[0].toFloatArray()));
        all.add(norm.toFloatArray());
      }
    }
    return all;
  }

  @Test
  void aReplayedUpdateLooksAtItsGuardEachTime() {
    List<float[]> expected = guarded(CudaGraphs.none());
    List<float[]> actual = guarded(CudaGraphs.always(cuda, 2, false));
    assertThat(actual.toArray()).isEqualTo(expected.toArray());
    for (int i = 1; i < 8; i++) {
      boolean bad = i == 4 || i == 5;
      float[] weights = actual.get(2 * i);
      assertThat(Arrays.equals(weights, actual.get(2 * i - 2))).as("step " + i).isEqualTo(bad);
      assertThat(Float.isFinite(actual.get(2 * i + 1)[0])).as("norm " + i).isEqualTo(!bad);
      assertThat(weights[0]).isFinite();
    }
  }

  @Test
  void otherShapesAreDoneAsTheyAre() {
    assertThat(graphsUsed(false, 3, 3, 3, 2, 3, 2, 2, 2))
        .containsExactly(false, true, true, false, true, false, true, true);
  }

  /** The last batch of each picture's tiles is smaller than the others. */
  @Test
  void twoShapesThatAlternateHaveAGraphEach() {
    assertThat(graphsUsed(true, 3, 2, 3, 2, 3, 2, 3))
        .containsExactly(false, false, true, true, true, true, true);
  }

  @Test
  void ofManyShapesThoseUsedLastKeepTheirGraphs() {
    assertThat(graphsUsed(true, 3, 3, 2, 2, 4, 4, 2, 3, 3))
        .containsExactly(false, true, false, true, false, true, true, false, true);
    // A third one that comes now and then takes no graph from the others.
    assertThat(graphsUsed(true, 3, 3, 2, 2, 4, 3, 4, 2, 4, 3))
        .containsExactly(false, true, false, true, false, true, false, true, false, true);
  }

  /** For work on arrays of these lengths, one after the other, whether it is a graph's. */
  private List<Boolean> graphsUsed(boolean fixedWeights, int... lengths) {
    try (CudaGraphs graphs = CudaGraphs.always(cuda, 1, fixedWeights)) {
      List<Boolean> used = new ArrayList<>();
      for (int n : lengths) {
        float[] values = new float[n];
        values[n - 1] = n;
        float[] result =
            graphs.run(
                n,
                () -> {
                  Tensor out = empty(DType.FLOAT32, n);
                  twice(values, out);
                  return new Tensor[] {out, null};
                },
                results -> results[0].toFloatArray());
        assertThat(result[n - 1]).isEqualTo(2 * n);
        used.add(graphs.usesGraph());
      }
      return used;
    }
  }

  @Test
  void fixedWeightsKeepTheirCopies() {
    try (Tensor w = upload(1, 2, 3, 4, 5, 6, 7, 8);
        Tensor matrix = w.reshape(1, 8).detached();
        Tensor x = empty(DType.BFLOAT16, 2, 8);
        Tensor out = empty(DType.BFLOAT16, 2, 1)) {
      cuda.elementwise().fill(x, 1);
      Runnable work = () -> cuda.dense().linear(x, matrix, null, out);
      work.run();
      try (CudaGraph graph = cuda.capture(true, work)) {
        cuda.elementwise().fill(out, 0);
        graph.replay(work);
        assertThat(out.toFloatArray()).containsExactly(36, 36);
      }
      work.run();
      assertThat(out.toFloatArray()).containsExactly(36, 36);
    }
  }

  /** The second time, the copy lies there already and takes no memory of the work. */
  @Test
  void theRoomForAGraphHasItsOwnCopiesOfWeights() {
    try (Tensor matrix = empty(DType.FLOAT32, 512, 1024);
        Tensor x = empty(DType.BFLOAT16, 2, 1024);
        Tensor out = empty(DType.BFLOAT16, 2, 512)) {
      for (int i = 0; i < 2; i++) {
        cuda.device().startWork();
        cuda.dense().linear(x, matrix, null, out);
        cuda.dense().linear(x, matrix, null, out);
        assertThat(cuda.device().graphBytes()).isBetween(2L * 512 * 1024, 6L * 512 * 1024);
      }
    }
  }
}
