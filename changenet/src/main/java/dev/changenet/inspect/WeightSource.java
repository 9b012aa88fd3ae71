package dev.changenet.inspect;

import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a weight file, of this program or of another: a training checkpoint, a state dict
 * alone, safetensors. Values stay in the file until they are read.
 *
 * @param file the file's content
 * @param entry the entry that holds the tensors; empty when they are at the top
 * @param tensors the tensors by the names in the file
 */
public record WeightSource(WeightsFile file, String entry, Map<String, StoredTensor> tensors) {
  private static final List<String> ENTRIES = List.of("state_dict", "model", "module");

  /**
   * Opens a file.
   *
   * @throws CheckpointException if it can't be read, or holds no tensors that can be
   */
  public static WeightSource open(Path path) {
    if (!Files.exists(path)) {
      throw new CheckpointException(path, "does not exist; expected a .pth or .safetensors file");
    }
    WeightsFile file = WeightsFile.read(path);
    if (file.has("state_dict_encrypted")) {
      throw new CheckpointException(
          path,
          "its weights are encrypted with a cipher that is not public; save the checkpoint without"
              + " encryption and use that file");
    }
    for (String entry : ENTRIES) {
      if (file.has(entry) && file.get(entry) instanceof Map<?, ?> map) {
        Map<String, StoredTensor> tensors = tensors(path, map);
        if (!tensors.isEmpty()) {
          return new WeightSource(file, entry, tensors);
        }
      }
    }
    Map<String, StoredTensor> tensors =
        file.root() instanceof Map<?, ?> map ? tensors(path, map) : Map.of();
    if (tensors.isEmpty()) {
      throw new CheckpointException(
          path,
          "holds no named tensors, neither at the top nor under "
              + String.join(", ", ENTRIES)
              + "; expected a checkpoint or a file of weights");
    }
    return new WeightSource(file, "", tensors);
  }

  private static Map<String, StoredTensor> tensors(Path path, Map<?, ?> map) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> {
          if (key instanceof String name && value instanceof StoredTensor t) {
            if (t.isExpanded()) {
              throw new CheckpointException(
                  path,
                  "tensor '"
                      + printable(name)
                      + "' of shape "
                      + Arrays.toString(t.shape())
                      + " repeats fewer stored elements; expected each element once");
            }
            tensors.put(name, t);
          }
        });
    return tensors;
  }

  public Path path() {
    return file.path();
  }

  /**
   * The tensors of the first optimizer's state, by number of the parameter and slot, such as {@code
   * 12.exp_avg}; empty when the file has none.
   */
  public Map<String, StoredTensor> optimizerTensors() {
    Map<String, StoredTensor> all = new LinkedHashMap<>();
    if (file.has("optimizer_states", 0, "state")
        && file.get("optimizer_states", 0, "state") instanceof Map<?, ?> state) {
      state.forEach(
          (number, slots) -> {
            if (slots instanceof Map<?, ?> one) {
              Map<String, Object> named = new LinkedHashMap<>();
              one.forEach((slot, t) -> named.put(number + "." + slot, t));
              all.putAll(tensors(path(), named));
            }
          });
    }
    return all;
  }

  /** Number of elements of all tensors. */
  public long elements() {
    return tensors.values().stream().mapToLong(StoredTensor::count).sum();
  }

  /** The tensors without the leading {@code model.} of a Lightning checkpoint. */
  public Map<String, StoredTensor> withoutPrefix() {
    return withoutPrefix(tensors, "model.");
  }

  static Map<String, StoredTensor> withoutPrefix(Map<String, StoredTensor> tensors, String prefix) {
    Map<String, StoredTensor> out = new LinkedHashMap<>();
    tensors.forEach(
        (name, t) -> {
          String shorter = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
          out.put(out.containsKey(shorter) || shorter.isEmpty() ? name : shorter, t);
        });
    return out;
  }

  /** The tensors as a tree; buffers are known by their usual names. */
  public ModuleTree tree() {
    ModuleTree tree = new ModuleTree(String.valueOf(path().getFileName()));
    withoutPrefix().forEach((name, t) -> tree.add(info(name, t)));
    return tree;
  }

  static TensorInfo info(String name, StoredTensor t) {
    boolean buffer =
        name.endsWith(".running_mean")
            || name.endsWith(".running_var")
            || name.endsWith(".num_batches_tracked");
    return new TensorInfo(
        name,
        t.type().torchName(),
        Arrays.stream(t.shape()).boxed().toList(),
        buffer ? TensorInfo.Kind.BUFFER : TensorInfo.Kind.TRAINABLE);
  }

  /** A name from a file without control characters, which could rule a terminal. */
  public static String printable(String name) {
    StringBuilder out = new StringBuilder();
    name.codePoints().map(c -> Character.isISOControl(c) ? '?' : c).forEach(out::appendCodePoint);
    return out.toString();
  }
}
