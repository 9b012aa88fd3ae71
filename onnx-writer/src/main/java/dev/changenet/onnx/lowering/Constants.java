package dev.changenet.onnx.lowering;

import com.google.protobuf.ByteString;
import dev.changenet.autograd.Variable;
import dev.changenet.onnx.ElementType;
import dev.changenet.onnx.Initializer;
import dev.changenet.onnx.OnnxGraph;
import dev.changenet.tensor.Storage;
import dev.changenet.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The constants of a graph. A parameter keeps its state-dict name as long as its elements keep
 * their order; rearranged copies get a suffix. What is stored once is shared by all its users;
 * generated constants are shared when their content is equal.
 */
final class Constants {
  private final OnnxGraph graph;
  private final Map<Storage, String> parameterNames = new IdentityHashMap<>();
  private final Map<Storage, Integer> ids = new IdentityHashMap<>();
  private final Map<String, String> derived = new HashMap<>();
  private final Map<Content, String> generated = new HashMap<>();

  private record Content(ElementType type, List<Long> dims, ByteString data) {}

  Constants(OnnxGraph graph, Map<Variable, String> names) {
    this.graph = graph;
    names.forEach((variable, name) -> parameterNames.put(variable.data().storage(), name));
  }

  /** State-dict name of the parameter that {@code t} belongs to, or null. */
  String parameterName(Tensor t) {
    return parameterNames.get(t.storage());
  }

  /** Name for a constant made from {@code t}: the parameter's, else {@code fallback}. */
  String nameOf(Tensor t, String fallback) {
    String name = parameterName(t);
    return name == null ? fallback : name;
  }

  /** Stores {@code t} unchanged in element order under its own name, with shape {@code dims}. */
  String plain(Tensor t, String name, long... dims) {
    return derived(List.of(t), "", name, t::toFloatArray, dims);
  }

  /**
   * Stores {@code t}, seen as [batch, rows, columns], as [batch, columns, rows].
   *
   * @param dims shape of the stored constant
   */
  String transposed(Tensor t, String name, int batch, int rows, int columns, long... dims) {
    String suffix = rows == 1 || columns == 1 ? "" : "_transposed";
    return derived(
        List.of(t), suffix, name, () -> transpose(t.toFloatArray(), batch, rows, columns), dims);
  }

  static float[] transpose(float[] in, int batch, int rows, int columns) {
    float[] out = new float[in.length];
    for (int b = 0; b < batch; b++) {
      int base = b * rows * columns;
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          out[base + c * rows + r] = in[base + r * columns + c];
        }
      }
    }
    return out;
  }

  /**
   * Stores what {@code compute} makes of {@code sources}, once per combination of sources, suffix
   * and shape.
   */
  String derived(
      List<Tensor> sources, String suffix, String name, Supplier<float[]> compute, long... dims) {
    String key =
        sources.stream()
                .map(t -> Integer.toString(ids.computeIfAbsent(t.storage(), s -> ids.size())))
                .collect(Collectors.joining(","))
            + "|"
            + suffix
            + "|"
            + Arrays.toString(dims);
    String known = derived.get(key);
    if (known != null) {
      return known;
    }
    Initializer constant = Initializer.of(name + suffix, compute.get(), dims);
    // Tables computed once per image are equal; parameters stay apart, they have names.
    String stored =
        sources.stream().anyMatch(t -> parameterName(t) != null)
            ? graph.addInitializer(constant)
            : share(constant);
    derived.put(key, stored);
    return stored;
  }

  /** A generated float constant. */
  String floats(String name, float[] values, long... dims) {
    return share(Initializer.of(name, values, dims));
  }

  /** A float scalar. */
  String scalar(float value) {
    return floats("value_" + Float.toString(value).toLowerCase(Locale.ROOT), new float[] {value});
  }

  /** A list of integers: a shape, axes, bounds. */
  String ints(long... values) {
    String name =
        values.length > 6
            ? "indices"
            : Arrays.stream(values)
                .mapToObj(Long::toString)
                .collect(Collectors.joining("_", "ints_", ""));
    return share(Initializer.of(name, values));
  }

  /** An integer scalar, for taking one entry of a list. */
  String index(long value) {
    return share(Initializer.scalar("index_" + value, value));
  }

  private String share(Initializer constant) {
    return generated.computeIfAbsent(
        new Content(constant.type(), constant.dims(), constant.data()),
        k -> graph.addInitializer(constant));
  }
}
