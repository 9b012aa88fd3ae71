package dev.changenet.train;

import dev.changenet.nn.Module;
import dev.changenet.nn.state.CheckpointException;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.HeapStorage;
import dev.changenet.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Copies stored tensors into a module. */
final class StateLoading {
  private static final int SHOWN = 3;

  private StateLoading() {}

  /**
   * Loads a whole model: every name and shape must match.
   *
   * @param stored names as in the checkpoint, {@code model.} included
   */
  static void strict(Module net, Map<String, StoredTensor> stored, Path file) {
    mismatch(net, stored)
        .ifPresent(
            text -> {
              throw new CheckpointException(file, text);
            });
    targets(net)
        .forEach(
            (name, target) -> {
              if (stored.containsKey(name)) {
                copy(stored.get(name), target);
              }
            });
  }

  private static Map<String, Tensor> targets(Module net) {
    Map<String, Tensor> targets = new LinkedHashMap<>();
    net.stateDict().forEach((name, t) -> targets.put("model." + name, t));
    return targets;
  }

  /** Says which names and shapes do not match; empty when all do. */
  static Optional<String> mismatch(Module net, Map<String, StoredTensor> stored) {
    Map<String, Tensor> targets = targets(net);
    Set<String> missing = new LinkedHashSet<>(targets.keySet());
    missing.removeAll(stored.keySet());
    // Networks exported or frozen elsewhere don't carry the counters; nothing depends on them.
    missing.removeIf(n -> n.endsWith(".num_batches_tracked"));
    Set<String> unexpected = new LinkedHashSet<>(stored.keySet());
    unexpected.removeAll(targets.keySet());
    List<String> shapes = new ArrayList<>();
    targets.forEach(
        (name, target) -> {
          StoredTensor s = stored.get(name);
          if (s != null && !Arrays.equals(s.shape(), target.shape().toArray())) {
            shapes.add(
                name
                    + " is "
                    + Arrays.toString(s.shape())
                    + ", the spec's network has "
                    + target.shape());
          }
        });
    if (missing.isEmpty() && unexpected.isEmpty() && shapes.isEmpty()) {
      return Optional.empty();
    }
    List<String> parts = new ArrayList<>();
    if (!missing.isEmpty()) {
      parts.add("missing: " + some(missing));
    }
    if (!unexpected.isEmpty()) {
      parts.add("unexpected: " + some(unexpected));
    }
    if (!shapes.isEmpty()) {
      parts.add("different shape: " + some(shapes));
    }
    return Optional.of(
        "the weights do not fit the network of the spec ("
            + String.join("; ", parts)
            + "); compare model.backbone.type, model.decode_head.decoder_params.embed_dim,"
            + " model.decode_head.feature_strides, model.decode_head.use_summary_token,"
            + " dataset.segment.num_classes and, for vit_large_nvdinov2,"
            + " dataset.segment.img_size with the training spec");
  }

  /** Copies stored values into a tensor of the same shape; on the heap without an array between. */
  static void copy(StoredTensor from, Tensor to) {
    if (to.dtype() == DType.INT64) {
      to.set(0, from.item());
    } else if (to.storage() instanceof HeapStorage) {
      from.copyTo(to.floats(), 0);
      to.storage().changed();
    } else {
      Module.write(to, from.toFloats());
    }
  }

  /** Number of names, and the first of them. */
  static String some(java.util.Collection<String> names) {
    if (names.isEmpty()) {
      return "0";
    }
    String shown = String.join(", ", names.stream().limit(SHOWN).toList());
    int more = names.size() - SHOWN;
    return names.size() + " (" + shown + (more > 0 ? " and " + more + " more" : "") + ")";
  }
}
