package dev.changenet.inspect;

import dev.changenet.autograd.Profile;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Variable;
import dev.changenet.model.ChangeNet;
import dev.changenet.model.SegmentationLoss;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.DryRun;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A network to look at. Everything here is found in a {@link DryRun}: no weights, no memory, no
 * arithmetic, whatever the size.
 *
 * @param config the network
 * @param size side of the images in pixels
 * @param freeze freezes what training leaves alone
 * @param activations type of the activations in training
 */
public record Network(
    ChangeNet.Config config, int size, Consumer<ChangeNet> freeze, DType activations) {

  /** The documentation's default: five outputs count. */
  static final SegmentationLoss LOSS =
      new SegmentationLoss(SegmentationLoss.Kind.CE, true, List.of(0.5, 0.5, 0.5, 0.8, 1.0));

  /** A network in float32, of which everything is trained. */
  public static Network of(ChangeNet.Config config, int size) {
    return new Network(config, size, net -> {}, DType.FLOAT32);
  }

  /**
   * The same at another size.
   *
   * @throws ChangeNetException unless the encoder takes it
   */
  public Network at(int pixels) {
    int divisor = config.featureStrides().getLast() == 16 ? 16 : 32;
    if (pixels < 2 * divisor || pixels % divisor != 0) {
      throw new ChangeNetException(
          "image size "
              + pixels
              + " does not fit "
              + config.backbone()
              + "; expected a multiple of "
              + divisor
              + " from "
              + 2 * divisor
              + " on");
    }
    return new Network(config, pixels, freeze, activations);
  }

  /** Builds it; in a dry run without memory. */
  ChangeNet build() {
    ChangeNet net = new ChangeNet(Device.CPU, config);
    freeze.accept(net);
    return net;
  }

  /** Names, types and shapes of parameters and buffers, in the order of the state dict. */
  public List<TensorInfo> tensors() {
    try (DryRun _ = DryRun.open();
        ChangeNet net = build()) {
      Map<String, TensorInfo.Kind> kinds = new HashMap<>();
      for (Parameter p : net.parameters()) {
        kinds.put(p.name(), p.requiresGrad() ? TensorInfo.Kind.TRAINABLE : TensorInfo.Kind.FROZEN);
      }
      List<TensorInfo> tensors = new ArrayList<>();
      net.stateDict()
          .forEach(
              (name, t) ->
                  tensors.add(
                      new TensorInfo(
                          name,
                          typeName(t.dtype()),
                          Arrays.stream(t.shape().toArray()).boxed().toList(),
                          kinds.getOrDefault(name, TensorInfo.Kind.BUFFER))));
      return tensors;
    }
  }

  /** The modules with parameters, forward arithmetic and kept activations of one pair. */
  public ModuleTree tree() {
    ModuleTree tree = new ModuleTree("changenet");
    tensors().forEach(tree::add);
    FlopCount.forward(config, size).forEach(e -> tree.add(e.path(), Cost.flops(e.flops())));
    kept().forEach((path, bytes) -> tree.add(path, Cost.kept(bytes)));
    return tree;
  }

  /** Bytes that a training step on one pair keeps for its backward pass, by module. */
  public Map<String, Long> kept() {
    Map<String, Long> kept = new LinkedHashMap<>();
    try (DryRun _ = DryRun.open();
        ChangeNet net = build()) {
      net.setActivations(activations);
      net.train(true);
      try (Profile profile = Profile.open();
          Scope _ = Scope.open();
          Tape _ = Tape.open()) {
        profile.countKept(net.stateDict().values());
        Variable a = image(1, size, net.device());
        LOSS.compute(
            net.forward(a, image(1, size, net.device())),
            (h, w) -> Tensor.empty(Shape.of(1, h, w), DType.INT32, net.device()));
        for (Profile.Entry e : profile.entries()) {
          String path = e.path().isEmpty() ? "loss" : e.path();
          kept.merge(path, e.kept(), Long::sum);
        }
      }
    }
    kept.values().removeIf(bytes -> bytes == 0);
    return kept;
  }

  /** One line for people. */
  public String describe() {
    return config.backbone()
        + ", embed_dim "
        + config.embedDim()
        + ", "
        + config.classes()
        + " classes, a pair of "
        + size
        + " x "
        + size
        + " pixels"
        + (activations == DType.FLOAT32 ? "" : ", activations in " + typeName(activations));
  }

  /** The network for JSON. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("backbone", config.backbone());
    json.put("embed_dim", config.embedDim());
    json.put("num_classes", config.classes());
    json.put("img_size", size);
    json.put("activations", typeName(activations));
    return json;
  }

  private static String typeName(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  static Variable image(int batch, int size, Device device) {
    return new Variable(Tensor.empty(Shape.of(batch, size, size, 3), DType.FLOAT32, device));
  }
}
