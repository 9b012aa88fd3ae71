package dev.changenet.inspect;

import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.io.IoProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a file of weights says about itself, apart from the values.
 *
 * @param path the file
 * @param bytes its size
 * @param tensors number of its weight tensors
 * @param elements elements of these
 * @param dtypes number of tensors by element type
 * @param facts what else was found, such as epoch or learning rate, in order
 */
public record CheckpointSummary(
    Path path,
    long bytes,
    int tensors,
    long elements,
    Map<String, Integer> dtypes,
    Map<String, Object> facts) {

  /** Reads the small entries of {@code source}. */
  public static CheckpointSummary of(WeightSource source) {
    WeightsFile file = source.file();
    Map<String, Object> facts = new LinkedHashMap<>();
    copy(file, facts, "tao_model", "tao_model");
    copy(file, facts, "tao_model_type", "tao_model_type");
    copy(file, facts, "epoch", "epoch");
    copy(file, facts, "global_step", "global_step");
    if (file.has("loops", "batches_done")
        && file.get("loops", "batches_done") instanceof Long done
        && done > 0) {
      facts.put("batches_done", done);
    }
    optimizer(file, facts);
    copy(file, facts, "pytorch-lightning_version", "pytorch-lightning_version");
    if (file.root() instanceof Map<?, ?> root && !source.entry().isEmpty()) {
      List<String> entries = new ArrayList<>();
      root.keySet().forEach(k -> entries.add(WeightSource.printable(String.valueOf(k))));
      facts.put("entries", entries);
    }
    Map<String, Integer> dtypes = new TreeMap<>();
    for (StoredTensor t : source.tensors().values()) {
      dtypes.merge(t.type().torchName(), 1, Integer::sum);
    }
    return new CheckpointSummary(
        source.path(),
        size(source.path()),
        source.tensors().size(),
        source.elements(),
        dtypes,
        facts);
  }

  private static void optimizer(WeightsFile file, Map<String, Object> facts) {
    copy(file, facts, "optimizer", "loops", "optimizer");
    copy(file, facts, "lr", "optimizer_states", 0, "param_groups", 0, "lr");
    copy(file, facts, "initial_lr", "optimizer_states", 0, "param_groups", 0, "initial_lr");
    copy(file, facts, "weight_decay", "optimizer_states", 0, "param_groups", 0, "weight_decay");
    if (file.has("optimizer_states", 0, "state")
        && file.get("optimizer_states", 0, "state") instanceof Map<?, ?> state) {
      facts.put("optimizer_state_tensors", state.size());
    }
  }

  /** Copies a text, a number or a truth value; what else a foreign file holds there is no fact. */
  private static void copy(
      WeightsFile file, Map<String, Object> facts, String name, Object... way) {
    if (file.has(way)) {
      Object value = file.get(way);
      if (value instanceof Number || value instanceof Boolean) {
        facts.put(name, value);
      } else if (value instanceof String text) {
        facts.put(name, WeightSource.printable(text));
      }
    }
  }

  private static long size(Path path) {
    try {
      return Files.size(path);
    } catch (IOException e) {
      throw new ChangeNetException(path + ": can't be read: " + IoProblem.of(e), e);
    }
  }

  /** Statistics of every weight tensor, in the file's order. */
  public static List<TensorStatistics> statistics(WeightSource source) {
    double[] buffer = new double[TensorStatistics.BLOCK];
    List<TensorStatistics> all = new ArrayList<>();
    source.tensors().forEach((name, t) -> all.add(TensorStatistics.of(name, t, buffer)));
    return all;
  }

  /** The summary for JSON. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", path.toString());
    json.put("bytes", bytes);
    json.put("tensors", tensors);
    json.put("elements", elements);
    json.put("dtypes", dtypes);
    facts.forEach((k, v) -> json.put(k, v instanceof Double d ? Json.number(d) : v));
    return json;
  }
}
