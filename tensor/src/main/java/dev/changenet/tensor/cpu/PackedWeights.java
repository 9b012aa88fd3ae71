package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Rearranged copies of one weight tensor, made at first use, or at the second, and kept with the
 * weight's storage until its content changes.
 */
final class PackedWeights implements AutoCloseable {
  /** What a copy is for. */
  enum Form {
    LINEAR,
    CONVOLUTION,
    CONVOLUTION_INPUT,
    DEPTHWISE,
    FEW_OUTPUTS,
    WINOGRAD,
    WINOGRAD_INPUT
  }

  /**
   * Identifies a copy.
   *
   * @param size of the copy in floats
   * @param variant tells apart copies of one form for the same weight, such as by stride
   */
  record Key(Form form, int size, int variant) {}

  private final Map<Key, Tensor> copies = new HashMap<>();
  private final Set<Key> asked = new HashSet<>();

  private PackedWeights() {}

  /** Returns the copy {@code key} of {@code w}, filled by {@code pack} if it isn't there. */
  static float[] of(Tensor w, Key key, Consumer<float[]> pack) {
    PackedWeights packed = w.storage().derived("cpu", PackedWeights::new);
    return packed.get(key, pack);
  }

  /**
   * Like {@link #of}, but returns null when the copy is asked for the first time: weights that
   * change after every use, as in training, are better rearranged piece by piece in the cache.
   */
  static float[] ofRepeated(Tensor w, Key key, Consumer<float[]> pack) {
    PackedWeights packed = w.storage().derived("cpu", PackedWeights::new);
    return packed.isFirst(key) ? null : packed.get(key, pack);
  }

  /** {@link #reserve} for {@link #ofRepeated}. */
  static void reserveRepeated(Tensor w, Key key) {
    PackedWeights packed = w.storage().derived("cpu", PackedWeights::new);
    if (!packed.isFirst(key)) {
      reserve(w, key);
    }
  }

  private synchronized boolean isFirst(Key key) {
    return asked.add(key);
  }

  /** Makes the copy {@code key} of {@code w} without filling it, for its size alone. */
  static void reserve(Tensor w, Key key) {
    w.storage().<PackedWeights>derived("cpu", PackedWeights::new).reserve(key, w.device());
  }

  private synchronized void reserve(Key key, Device device) {
    copies.computeIfAbsent(
        key, k -> Tensor.empty(Shape.of(k.size), DType.FLOAT32, device).detached());
  }

  private synchronized float[] get(Key key, Consumer<float[]> pack) {
    Tensor copy = copies.get(key);
    if (copy == null) {
      copy = Tensor.empty(Shape.of(key.size), DType.FLOAT32, Device.CPU).detached();
      pack.accept(copy.floats());
      copies.put(key, copy);
    }
    return copy.floats();
  }

  @Override
  public synchronized void close() {
    copies.values().forEach(Tensor::close);
    copies.clear();
  }
}
