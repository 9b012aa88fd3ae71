package dev.changenet.inspect;

import dev.changenet.config.BackboneType;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecException;
import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.state.StoredTensor;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import dev.changenet.train.RunContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Finds the network of a spec, or the one that a file of weights belongs to. */
public final class NetworkFinder {
  /** Name of the spec that a training leaves beside its checkpoints. */
  private static final String EXPERIMENT = "experiment.yaml";

  /** Settings that a look at the network doesn't need, and that needn't fit this machine. */
  private static final List<String> HARMLESS =
      List.of(
          "dataset.segment.root_dir=.",
          "results_dir=.",
          "train.num_gpus=1",
          "train.gpu_ids=[0]",
          "train.num_nodes=1");

  private NetworkFinder() {}

  /**
   * A network and how it was found.
   *
   * @param network the network
   * @param source what says so
   */
  public record Found(Network network, String source) {}

  /**
   * The network that a spec trains.
   *
   * @throws SpecException if the spec is wrong
   */
  public static Network ofSpec(Path spec, List<String> overrides) {
    List<String> all = new ArrayList<>(HARMLESS);
    all.addAll(overrides);
    ExperimentSpec s = new SpecLoader(Task.TRAIN).checkFiles(false).load(spec, all);
    Consumer<ChangeNet> freeze =
        s.model().backbone().freezeBackbone()
            ? net -> net.backbone().freezePretrained()
            : net -> {};
    return new Network(
        RunContext.network(s),
        s.segmentData().imgSize(),
        freeze,
        s.train().precision().startsWith("bf16") ? DType.BFLOAT16 : DType.FLOAT32);
  }

  /** The network that {@code source} belongs to; empty when it is none of this program's. */
  public static Optional<Found> ofWeights(WeightSource source) {
    Map<String, StoredTensor> tensors = source.withoutPrefix();
    Path spec = source.path().toAbsolutePath().resolveSibling(EXPERIMENT);
    if (Files.isRegularFile(spec)) {
      try {
        Network network = ofSpec(spec, List.of());
        if (fits(network, tensors)) {
          return Optional.of(new Found(network, spec.getFileName() + " beside the file"));
        }
      } catch (SpecException e) {
        // A spec of another version or for another model: the tensors speak for themselves.
        return ofShapes(source, tensors);
      }
    }
    return ofShapes(source, tensors);
  }

  private static Optional<Found> ofShapes(WeightSource source, Map<String, StoredTensor> tensors) {
    int embedDim = firstDimension(tensors, "decoder.linear_fuse.0.weight");
    int classes = firstDimension(tensors, "decoder.change_probability.conv2d.weight");
    if (embedDim < 1 || classes < 1) {
      return Optional.empty();
    }
    for (BackboneType type : BackboneType.values()) {
      for (boolean summary : new boolean[] {true, false}) {
        if (type.isSupported() && mayBe(type, tensors)) {
          ChangeNet.Config c = ChangeNet.Config.of(type.key(), embedDim, classes);
          int size = size(tensors);
          Network network =
              new Network(
                  new ChangeNet.Config(
                      c.backbone(),
                      c.dropPathRate(),
                      embedDim,
                      classes,
                      c.featureStrides(),
                      c.inIndex(),
                      c.alignCorners(),
                      size,
                      summary,
                      false),
                  size,
                  frozen(source.file()),
                  DType.FLOAT32);
          if (fits(network, tensors)) {
            return Optional.of(new Found(network, "names and shapes of the tensors"));
          }
        }
      }
    }
    return Optional.empty();
  }

  /** A cheap look before the network is built: the width of the third map's projection. */
  private static boolean mayBe(BackboneType type, Map<String, StoredTensor> tensors) {
    StoredTensor projection = tensors.get("decoder.linear_c3.proj.weight");
    return projection != null
        && projection.shape().length == 2
        && projection.shape()[1] == type.widths().get(2);
  }

  private static int firstDimension(Map<String, StoredTensor> tensors, String name) {
    StoredTensor t = tensors.get(name);
    return t == null || t.shape().length != 4 ? 0 : t.shape()[0];
  }

  /** The size that NV-DINOv2's positions were learned for; 256 where nothing says it. */
  private static int size(Map<String, StoredTensor> tensors) {
    StoredTensor positions = tensors.get("backbone.pos_embed");
    if (positions == null || positions.shape().length != 3) {
      return 256;
    }
    int grid = (int) Math.round(Math.sqrt(positions.shape()[1] - 1.0));
    return Math.max(4, grid) * 16;
  }

  /** Every parameter and buffer is there with its shape, except counters, and nothing else. */
  private static boolean fits(Network network, Map<String, StoredTensor> tensors) {
    Set<String> rest = new HashSet<>(tensors.keySet());
    for (TensorInfo t : network.tensors()) {
      StoredTensor stored = tensors.get(t.name());
      rest.remove(t.name());
      if (stored == null
          ? !t.name().endsWith(".num_batches_tracked")
          : !t.shape().equals(Arrays.stream(stored.shape()).boxed().toList())) {
        return false;
      }
    }
    return rest.isEmpty();
  }

  /** Freezes the parameters that the checkpoint's optimizer never changed. */
  private static Consumer<ChangeNet> frozen(WeightsFile file) {
    if (!file.has("optimizer_states", 0, "state")
        || !(file.get("optimizer_states", 0, "state") instanceof Map<?, ?> state)
        || state.isEmpty()
        || !file.has("optimizer_states", 0, "param_groups", 0, "params")
        || !(file.get("optimizer_states", 0, "param_groups", 0, "params")
            instanceof List<?> indices)) {
      return net -> {};
    }
    return net -> {
      List<Parameter> parameters = net.parameters();
      if (indices.size() == parameters.size()) {
        for (int i = 0; i < parameters.size(); i++) {
          parameters.get(i).setFrozen(!state.containsKey((long) i));
        }
      }
    };
  }
}
