package dev.changenet.train;

import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Backends;
import dev.changenet.tensor.backend.Optimize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Exponential running average of the trained weights. Update n (from 1) keeps min(decay, (1 + n) /
 * (10 + n)) of the old average, so that the random weights of the beginning are soon forgotten.
 * Buffers, such as the statistics of batch norm, are those of the network.
 */
final class WeightAverage implements AutoCloseable {
  private final double decay;
  private final List<Parameter> trained = new ArrayList<>();
  private final List<Optimize.AverageTensors> tensors = new ArrayList<>();
  private long updates;

  /** Starts from the weights that {@code net} has now; frozen ones need no average. */
  WeightAverage(ChangeNet net, double decay) {
    this.decay = decay;
    for (Parameter p : net.parameters()) {
      if (p.requiresGrad()) {
        Tensor average =
            Tensor.empty(p.data().shape(), p.data().dtype(), p.data().device()).detached();
        trained.add(p);
        tensors.add(new Optimize.AverageTensors(average, p.data()));
      }
    }
    restart();
  }

  /** Starts anew from the present weights. */
  void restart() {
    updates = 0;
    tensors.forEach(t -> t.average().copyFrom(t.value()));
  }

  /** Takes in the weights after a step. */
  void update() {
    updates++;
    double keep = Math.min(decay, (1.0 + updates) / (10.0 + updates));
    if (!tensors.isEmpty()) {
      Backends.of(tensors.getFirst().value().device()).optimize().average(tensors, keep);
    }
  }

  /** Steps that the average has seen. */
  long updates() {
    return updates;
  }

  /** Calls {@code work} while the network has the averaged weights, to the bit. */
  <R> R during(Supplier<R> work) {
    swap();
    try {
      return work.get();
    } finally {
      swap();
    }
  }

  private void swap() {
    for (Optimize.AverageTensors t : tensors) {
      Tensor value = t.value();
      try (Tensor kept = Tensor.empty(value.shape(), value.dtype(), value.device()).detached()) {
        kept.copyFrom(value);
        value.copyFrom(t.average());
        t.average().copyFrom(kept);
      }
    }
  }

  /** Calls {@code each} with the state-dict name and the average of each trained parameter. */
  void forEach(BiConsumer<String, Tensor> each) {
    for (int i = 0; i < trained.size(); i++) {
      each.accept(trained.get(i).name(), tensors.get(i).average());
    }
  }

  /**
   * Goes on from a stored average.
   *
   * @param stored by name, as in a checkpoint's state dictionary
   */
  void restore(long done, Map<String, StoredTensor> stored, Path file) {
    forEach(
        (name, average) -> {
          StoredTensor from = stored.get("model." + name);
          if (from == null || !Arrays.equals(from.shape(), average.shape().toArray())) {
            throw new CheckpointException(
                file,
                "its averaged weights do not fit the network ('"
                    + name
                    + "' is absent or has another shape); train on with the spec it was trained"
                    + " with, or set train.ema.enabled: false");
          }
          StateLoading.copy(from, average);
        });
    updates = done;
  }

  @Override
  public void close() {
    tensors.forEach(t -> t.average().close());
  }
}
