package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Runs work that repeats, as training steps do: a few times as it is, then recorded as a {@link
 * CudaGraph} and replayed, as long as its shapes stay the same. The results are the same, bit for
 * bit. On the CPU, and where the device lacks the memory for a graph, the work always goes on as it
 * is.
 */
public final class CudaGraphs implements AutoCloseable {
  /** Environment variable: with {@code off} nothing is recorded. */
  public static final String VARIABLE = "CHANGENET_CUDA_GRAPHS";

  private final CudaBackend backend;
  private final int warmUp;
  private final boolean fixedWeights;
  private Object lastShapes;
  private int runs;
  private boolean room;
  private CudaGraph graph;
  private Object graphShapes;
  private Tensor[] graphResults;

  private CudaGraphs(CudaBackend backend, int warmUp, boolean fixedWeights) {
    this.backend = backend;
    this.warmUp = warmUp;
    this.fixedWeights = fixedWeights;
  }

  /**
   * @param warmUp runs of the same shapes in a row before one is recorded, at least 1
   * @param fixedWeights the parameters don't change as long as this object is used
   */
  public static CudaGraphs on(Device device, int warmUp, boolean fixedWeights) {
    return device.kind() == Device.Kind.CUDA && !"off".equals(System.getenv(VARIABLE))
        ? always((CudaBackend) Backends.of(device), warmUp, fixedWeights)
        : none();
  }

  /** {@link #on}, whatever the environment says. */
  static CudaGraphs always(CudaBackend backend, int warmUp, boolean fixedWeights) {
    return new CudaGraphs(backend, warmUp, fixedWeights);
  }

  /** Does all work as it is. */
  public static CudaGraphs none() {
    return new CudaGraphs(null, 0, false);
  }

  /**
   * Does {@code work} and reads its results.
   *
   * @param shapes equal for work of the same shapes
   * @param work returns tensors of its own, which are closed here; see {@link CudaBackend#capture}
   *     for what it may do
   * @param read reads from the results, which it must not close or keep
   */
  public <R> R run(Object shapes, Supplier<Tensor[]> work, Function<Tensor[], R> read) {
    if (backend == null) {
      return ordinary(work, read);
    }
    if (graph != null && graph.isClosed()) {
      drop();
      runs = 0;
    }
    if (graph != null && shapes.equals(graphShapes)) {
      lastShapes = shapes;
      graph.replay(() -> close(work.get()));
      return read.apply(graphResults);
    }
    runs = shapes.equals(lastShapes) ? runs + 1 : 1;
    lastShapes = shapes;
    if (runs == warmUp + 1) {
      drop();
      room = backend.device().hasRoomForGraph();
    }
    if (runs <= warmUp || !room) {
      backend.device().startWork();
      return ordinary(work, read);
    }
    graph = backend.capture(fixedWeights, () -> graphResults = work.get());
    graphShapes = shapes;
    return read.apply(graphResults);
  }

  private static <R> R ordinary(Supplier<Tensor[]> work, Function<Tensor[], R> read) {
    Tensor[] results = work.get();
    try {
      return read.apply(results);
    } finally {
      close(results);
    }
  }

  private static void close(Tensor[] tensors) {
    for (Tensor t : tensors) {
      if (t != null) {
        t.close();
      }
    }
  }

  /** True when the last run was recorded or a replay. */
  public boolean usesGraph() {
    return graph != null && !graph.isClosed() && graphShapes.equals(lastShapes);
  }

  private void drop() {
    if (graphResults != null) {
      close(graphResults);
      graphResults = null;
    }
    if (graph != null) {
      graph.close();
      graph = null;
    }
  }

  /** Gives the graph and its results back. */
  @Override
  public void close() {
    drop();
  }
}
