package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

  /** Graphs of inference: of full batches, and of what is left over for the last one. */
  private static final int MOST = 2;

  private final CudaBackend backend;
  private final int warmUp;
  private final boolean fixedWeights;

  /** What is known of work, by its shapes; those used last come last. */
  private final Map<Object, Known> all = new LinkedHashMap<>(8, 0.75f, true);

  private Known last;
  private int inARow;

  /** Work of some shapes. */
  private static final class Known {
    int runs;

    /** The device lacked the memory for its graph. */
    boolean refused;

    /** Of a graph, known after the ordinary runs. */
    long bytes;

    CudaGraph graph;
    Tensor[] results;

    boolean isRecorded() {
      return graph != null && !graph.isClosed();
    }

    void drop() {
      if (results != null) {
        CudaGraphs.close(results);
        results = null;
      }
      if (graph != null) {
        graph.close();
        graph = null;
      }
      runs = 0;
    }
  }

  private CudaGraphs(CudaBackend backend, int warmUp, boolean fixedWeights) {
    this.backend = backend;
    this.warmUp = warmUp;
    this.fixedWeights = fixedWeights;
  }

  /**
   * @param warmUp runs of the same shapes before one is recorded, at least 1; in a row, unless the
   *     weights are fixed
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
    // The device closes graphs when it needs their memory; their results keep some of it.
    all.values().stream().filter(k -> k.graph != null && k.graph.isClosed()).forEach(Known::drop);
    Known known = all.computeIfAbsent(shapes, _ -> new Known());
    if (known != last) {
      if (last != null && !fixedWeights) {
        last.runs = 0;
      }
      last = known;
      inARow = 0;
    }
    inARow++;
    if (known.graph != null) {
      known.graph.replay(() -> close(work.get()));
      return read.apply(known.results);
    }
    known.runs++;
    if (known.runs > warmUp && !known.refused && makeRoom()) {
      known.refused = !backend.device().hasRoomForGraph(known.bytes);
      if (!known.refused) {
        known.graph = backend.capture(fixedWeights, () -> known.results = work.get());
        return read.apply(known.results);
      }
    }
    backend.device().startWork();
    R result = ordinary(work, read);
    known.bytes = backend.device().graphBytes();
    return result;
  }

  /**
   * Where there are as many graphs as may be, drops the one that was used longest ago, provided
   * that the work now done comes often in a row. Returns whether one may be recorded.
   */
  private boolean makeRoom() {
    List<Known> recorded = all.values().stream().filter(Known::isRecorded).toList();
    if (recorded.size() < (fixedWeights ? MOST : 1)) {
      return true;
    }
    if (inARow <= warmUp) {
      return false;
    }
    recorded.getFirst().drop();
    return true;
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
    return last != null && last.isRecorded();
  }

  /** Gives the graphs and their results back. */
  @Override
  public void close() {
    all.values().forEach(Known::drop);
    all.clear();
    last = null;
  }
}
