package dev.changenet.inspect;

import dev.changenet.config.BackboneType;
import dev.changenet.config.ExperimentSpec;
import dev.changenet.config.SpecException;
import dev.changenet.config.SpecLoader;
import dev.changenet.config.Task;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.state.WeightsFile;
import dev.changenet.tensor.DType;
import dev.changenet.train.RunContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Finds the network of a spec, or the one that a file of weights belongs to. */
public final class NetworkFinder {
  /** Settings that a look at the network doesn't need, and that needn't fit this machine. */
  private static final List<String> HARMLESS =
      List.of(
          "dataset.segment.root_dir=.",
          "results_dir=.",
          "model.backbone.pretrained_backbone_path=unread.pth",
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
    ExperimentSpec s = new SpecLoader(Task.TRAIN).checkFiles(false).usableGpus(1).load(spec, all);
    Consumer<ChangeNet> freeze =
        s.model().backbone().freezeBackbone()
            ? net -> net.backbone().freezePretrained()
            : net -> {};
    return new Network(
        RunContext.network(s),
        s.segmentData().imgSize(),
        freeze,
        RunContext.activations(s.train()));
  }

  /** The network that {@code source} belongs to; empty when it is none of this program's. */
  public static Optional<Found> ofWeights(WeightSource source) {
    Map<String, List<Integer>> shapes = shapes(source);
    Optional<Network> beside = beside(source.path(), shapes);
    if (beside.isPresent()) {
      return Optional.of(new Found(beside.get(), ExperimentSpec.FILE + " beside the file"));
    }
    return ofShapes(shapes, frozen(source.file()))
        .map(network -> new Found(network, "names and shapes of the tensors"));
  }

  /** The network of the spec that training left beside {@code source}, where both fit. */
  public static Optional<Network> besideWeights(WeightSource source) {
    return beside(source.path(), shapes(source));
  }

  private static Map<String, List<Integer>> shapes(WeightSource source) {
    Map<String, List<Integer>> shapes = new LinkedHashMap<>();
    source
        .withoutPrefix()
        .forEach((name, t) -> shapes.put(name, Arrays.stream(t.shape()).boxed().toList()));
    return shapes;
  }

  private static Optional<Network> beside(Path file, Map<String, List<Integer>> shapes) {
    Path spec = file.toAbsolutePath().resolveSibling(ExperimentSpec.FILE);
    if (!Files.isRegularFile(spec)) {
      return Optional.empty();
    }
    try {
      return Optional.of(ofSpec(spec, List.of())).filter(n -> fits(n, shapes));
    } catch (SpecException e) {
      // A spec of another version or for another model: the tensors speak for themselves.
      return Optional.empty();
    }
  }

  /**
   * The network whose tensors have these names and shapes.
   *
   * @param freeze freezes what training left alone
   */
  static Optional<Network> ofShapes(Map<String, List<Integer>> shapes, Consumer<ChangeNet> freeze) {
    int embedDim = shape(shapes, "decoder.linear_fuse.0.weight", 4).getFirst();
    int classes = shape(shapes, "decoder.change_probability.conv2d.weight", 4).getFirst();
    int width = shape(shapes, "decoder.linear_c3.proj.weight", 2).getLast();
    if (embedDim < 1 || classes < 1) {
      return Optional.empty();
    }
    for (BackboneType type : BackboneType.values()) {
      if (type.isSupported() && type.widths().get(2) == width) {
        for (boolean summary : type.isFan() ? new boolean[] {true} : new boolean[] {true, false}) {
          Network network =
              network(type, embedDim, classes, positionedSize(shapes), summary, freeze);
          if (fits(network, shapes)) {
            return Optional.of(network);
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Network network(
      BackboneType type,
      int embedDim,
      int classes,
      int size,
      boolean summary,
      Consumer<ChangeNet> freeze) {
    ChangeNet.Config c = ChangeNet.Config.of(type.key(), embedDim, classes);
    ChangeNet.Config config =
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
            false);
    return new Network(config, size, freeze, DType.FLOAT32);
  }

  /** Shape of a tensor; zeros when it is absent or has another rank. */
  private static List<Integer> shape(Map<String, List<Integer>> shapes, String name, int rank) {
    List<Integer> shape = shapes.get(name);
    return shape == null || shape.size() != rank ? List.of(0) : shape;
  }

  /** The size that NV-DINOv2's positions were learned for; 256 where nothing says it. */
  private static int positionedSize(Map<String, List<Integer>> shapes) {
    List<Integer> positions = shapes.get("backbone.pos_embed");
    if (positions == null || positions.size() != 3) {
      return 256;
    }
    int grid = (int) Math.round(Math.sqrt(positions.get(1) - 1.0));
    return Math.max(4, grid) * 16;
  }

  /** Every parameter and buffer is there with its shape, except counters, and nothing else. */
  private static boolean fits(Network network, Map<String, List<Integer>> shapes) {
    Set<String> rest = new HashSet<>(shapes.keySet());
    for (TensorInfo t : network.tensors()) {
      List<Integer> stored = shapes.get(t.name());
      rest.remove(t.name());
      if (stored == null ? !t.name().endsWith(".num_batches_tracked") : !t.shape().equals(stored)) {
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
