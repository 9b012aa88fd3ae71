package dev.changenet.tensor.cuda;

import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Recorded work of a GPU that is started by one call, made by {@link CudaBackend#capture}.
 *
 * <p>All that a graph reads and writes has fixed addresses: its temporaries come from a pool of its
 * own. What the recorded work copied to the device (images, labels, random factors, the learning
 * rate) is an input: every replay has new values of the same types and sizes. {@link #replay}
 * collects them by running the work's Java code once more with everything left out but these
 * copies, so that what the code does beside (drawing random numbers, counting steps) happens as
 * ever.
 *
 * <p>Closing the graph gives its memory back, except that of tensors which are still open.
 */
public final class CudaGraph implements AutoCloseable {
  /** Address of tensors that are made while inputs are renewed; aligned as real ones are. */
  static final long NOWHERE = 1L << 40;

  private record Weights(Storage storage, String key, int version) {}

  private final CudaDevice device;
  private final boolean fixedWeights;
  private final CudaAllocator pool;
  private final CudaGraphInputs inputs;
  private final Map<Weights, Tensor> ownWeights = new HashMap<>();
  private final Map<Storage, List<Tensor>> sharedWeights = new IdentityHashMap<>();
  private long executable;
  private long recordedWork;
  private long renewalNanos;
  private boolean closed;

  private CudaGraph(CudaDevice device, boolean fixedWeights) {
    this.device = device;
    this.fixedWeights = fixedWeights;
    pool = device.newGraphPool();
    inputs = new CudaGraphInputs(device);
  }

  static CudaGraph record(CudaDevice device, boolean fixedWeights, Runnable work) {
    CudaGraph graph = new CudaGraph(device, fixedWeights);
    device.startRecording(graph);
    try {
      graph.record(work);
      graph.inputs.prepare();
      graph.launch();
    } catch (RuntimeException | Error e) {
      // Copies of weights whose making was only recorded are not what they are kept as.
      graph.sharedWeights.keySet().forEach(Storage::changed);
      try {
        graph.close();
      } catch (CudaException second) {
        // An error of the GPU repeats itself in whatever is asked of it next.
        e.addSuppressed(second);
      }
      throw e;
    }
    return graph;
  }

  private void record(Runnable work) {
    CudaDriver.Graphs.Recorded recorded;
    boolean done = false;
    try {
      CudaDriver.Graphs.begin(device.stream());
      work.run();
      done = true;
    } finally {
      ownWeights.values().forEach(Tensor::close);
      ownWeights.clear();
      recordedWork = device.stopRecording();
      recorded = CudaDriver.Graphs.end(device.stream());
      if (!done && recorded.graph() != 0) {
        CudaDriver.Graphs.destroy(recorded.graph());
      }
    }
    if (recorded.graph() == 0) {
      throw new CudaException(
          "the GPU work cannot be recorded as a CUDA graph ("
              + CudaCheck.describe(recorded.status())
              + "); set "
              + CudaGraphs.VARIABLE
              + "=off to run without graphs.");
    }
    try {
      executable = CudaDriver.Graphs.instantiate(recorded.graph());
    } finally {
      CudaDriver.Graphs.destroy(recorded.graph());
    }
  }

  /** Where the tensors of the recorded work come from. */
  CudaAllocator pool() {
    return pool;
  }

  /** A copy of weights in another type or layout, for the work that is being recorded. */
  Tensor weights(Storage storage, String key, Supplier<Tensor> make) {
    if (!fixedWeights) {
      // Not the copy that was made before: every replay must make it from the weights of its time.
      return ownWeights.computeIfAbsent(
          new Weights(storage, key, storage.version()), _ -> make.get());
    }
    Tensor copy = storage.derived(key, make::get);
    List<Tensor> kept = sharedWeights.computeIfAbsent(storage, _ -> new ArrayList<>());
    if (kept.stream().noneMatch(t -> t.storage() == copy.storage())) {
      kept.add(copy.share());
    }
    return copy;
  }

  void record(Object array, CudaStorage to, boolean constant) {
    inputs.record(array, to, constant);
  }

  void renew(Object array, CudaStorage from) {
    inputs.renew(array, from.dtype(), from.length());
  }

  /** Time that the last replay took to collect its inputs, in milliseconds. */
  public double renewalMillis() {
    return renewalNanos / 1e6;
  }

  /** Number of arrays that a replay copies to the device. */
  public int inputs() {
    return inputs.count();
  }

  /**
   * Does the recorded work with new inputs: those which {@code work}, the recorded Java code, now
   * copies to the device. Tensors that {@code work} makes have no memory; it must close them.
   *
   * @throws CudaException when it copies others than were recorded, does other work, or reads from
   *     the device
   */
  public void replay(Runnable work) {
    requireOpen();
    inputs.begin();
    long began = System.nanoTime();
    device.startRenewing(this);
    long done = 0;
    try {
      work.run();
    } finally {
      done = device.stopRenewing();
    }
    renewalNanos = System.nanoTime() - began;
    if (done != recordedWork) {
      throw new CudaException(
          "a recorded step was to be repeated with other kernels or arguments: a CUDA graph only"
              + " repeats the same work; set "
              + CudaGraphs.VARIABLE
              + "=off to run without graphs.");
    }
    inputs.send();
    launch();
  }

  /**
   * {@link #replay(Runnable)} for work whose inputs are known without running it.
   *
   * @param arrays Java arrays in the order in which the work copies them
   */
  public void replay(Object... arrays) {
    requireOpen();
    inputs.begin();
    for (Object array : arrays) {
      inputs.renew(array);
    }
    inputs.send();
    launch();
  }

  private void launch() {
    device.bind();
    CudaDriver.Graphs.launch(executable, device.stream());
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("CUDA graph used after close()");
    }
  }

  /** True after {@link #close}, which the device calls too where it has no other memory left. */
  public boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    device.synchronize();
    if (executable != 0) {
      CudaDriver.Graphs.destroyExecutable(executable);
    }
    inputs.close();
    sharedWeights.values().forEach(kept -> kept.forEach(Tensor::close));
    sharedWeights.clear();
    pool.retire();
    device.forget(this);
  }
}
