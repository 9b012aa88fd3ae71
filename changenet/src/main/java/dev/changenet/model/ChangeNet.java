package dev.changenet.model;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Tape;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.backbone.Backbone;
import dev.changenet.backbone.FanBackbone;
import dev.changenet.backbone.FanVariant;
import dev.changenet.backbone.NvDinoBackbone;
import dev.changenet.backbone.RadioBackbone;
import dev.changenet.backbone.VitVariant;
import dev.changenet.decoder.ChangeDecoder;
import dev.changenet.nn.JoinedBatches;
import dev.changenet.nn.Module;
import dev.changenet.nn.StepRandom;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Visual ChangeNet: one backbone for both images, one decode head. */
public final class ChangeNet extends Module {
  /**
   * What determines names and shapes of the network.
   *
   * @param backbone {@code model.backbone.type}
   * @param dropPathRate {@code model.backbone.drop_path_rate}, FAN only
   * @param embedDim {@code model.decode_head.decoder_params.embed_dim}
   * @param classes {@code dataset.segment.num_classes}
   * @param featureStrides {@code model.decode_head.feature_strides}
   * @param inIndex {@code model.decode_head.in_index}
   * @param alignCorners {@code model.decode_head.align_corners}
   * @param imgSize {@code dataset.segment.img_size}: sets the number of positions of NV-DINOv2
   * @param useSummaryToken {@code model.decode_head.use_summary_token}, C-RADIO only
   * @param activationCheckpoint {@code train.activation_checkpoint}
   */
  public record Config(
      String backbone,
      double dropPathRate,
      int embedDim,
      int classes,
      List<Integer> featureStrides,
      List<Integer> inIndex,
      boolean alignCorners,
      int imgSize,
      boolean useSummaryToken,
      boolean activationCheckpoint) {
    /** The documentation's defaults, at 256 pixels. */
    public static Config of(String backbone, int embedDim, int classes) {
      int last = VitVariant.of(backbone) == null ? 16 : 32;
      return new Config(
          backbone,
          0.3,
          embedDim,
          classes,
          List.of(4, 8, 16, last),
          List.of(0, 1, 2, 3),
          false,
          256,
          true,
          false);
    }
  }

  private final Config config;
  private final Backbone backbone;
  private final ChangeDecoder decoder;
  private final List<Integer> inIndex;
  private final StepRandom random = new StepRandom();
  private DType activations;

  /** Builds the network of {@code config}; fill it with {@link #initialize} or a checkpoint. */
  public ChangeNet(Device device, Config config) {
    this(device, config, random -> backbone(device, config, random));
  }

  /** Builds the network on a FAN backbone of any size. */
  public ChangeNet(Device device, Config config, FanVariant variant) {
    this(device, config, random -> fan(device, config, variant, random));
  }

  /** Builds the network on a ViT-Adapter backbone of any size. */
  public ChangeNet(Device device, Config config, VitVariant variant) {
    this(device, config, random -> adapter(device, config, variant, random));
  }

  private ChangeNet(Device device, Config config, Function<StepRandom, Backbone> makeBackbone) {
    super(device);
    this.config = config;
    activations = device.floating();
    inIndex = config.inIndex();
    backbone = child("backbone", makeBackbone.apply(random));
    int[] all = backbone.channels();
    int[] chosen = new int[inIndex.size()];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = all[inIndex.get(i)];
    }
    List<Integer> strides = config.featureStrides();
    decoder =
        child(
            "decoder",
            new ChangeDecoder(
                device,
                chosen,
                config.embedDim(),
                config.classes(),
                strides.get(2).equals(strides.get(3)),
                config.alignCorners()));
  }

  private static Backbone backbone(Device device, Config config, StepRandom random) {
    String type = config.backbone();
    FanVariant fan = FanVariant.of(type);
    if (fan != null) {
      return fan(device, config, fan, random);
    }
    VitVariant vit = VitVariant.of(type);
    if (vit != null) {
      return adapter(device, config, vit, random);
    }
    throw new ChangeNetException(
        "model.backbone.type: '"
            + type
            + "' is not supported by this build; use a fan_*_hybrid, vit_large_nvdinov2 or"
            + " c_radio_v2_* backbone");
  }

  private static Backbone fan(Device device, Config config, FanVariant variant, StepRandom random) {
    return new FanBackbone(
        device, variant, config.dropPathRate(), config.activationCheckpoint(), random);
  }

  private static Backbone adapter(
      Device device, Config config, VitVariant variant, StepRandom random) {
    boolean checkpoint = config.activationCheckpoint();
    return switch (variant.core()) {
      case NV_DINO_V2 -> new NvDinoBackbone(device, variant, config.imgSize(), checkpoint, random);
      case C_RADIO_V2 ->
          new RadioBackbone(device, variant, config.useSummaryToken(), checkpoint, random);
    };
  }

  /** What the network was built from. */
  public Config config() {
    return config;
  }

  public Backbone backbone() {
    return backbone;
  }

  /** Seed and step that drop path draws from; the trainer sets it before each step. */
  public StepRandom random() {
    return random;
  }

  /**
   * Computes the five logit maps of a batch of pairs. Weights are undefined until {@link
   * #initialize} or a checkpoint has filled them.
   *
   * @param a first images [B, H, W, 3], normalised; H and W multiples of {@link Backbone#divisor}:
   *     16 with FAN, 32 with the other encoders
   * @param b second images, of the same shape
   * @return [p4, p3, p2, p1, cp], each [B, h, w, K]; cp has the images' size
   * @throws IllegalArgumentException when the images have another shape
   */
  public List<Variable> forward(Variable a, Variable b) {
    requireImages(a.shape(), b.shape());
    return runAll(() -> decodeSelected(a, b));
  }

  /**
   * Sets the type of the activations: a two-byte type is mixed precision, with parameters, their
   * gradients, statistics and sums in float32. GPU only.
   */
  public void setActivations(DType type) {
    activations = type;
  }

  private void requireImages(Shape a, Shape b) {
    int divisor = backbone.divisor();
    boolean fits =
        a.rank() == 4 && a.dim(3) == 3 && a.dim(1) % divisor == 0 && a.dim(2) % divisor == 0;
    if (!fits || !a.equals(b)) {
      throw new IllegalArgumentException(
          "images of shapes "
              + a
              + " and "
              + b
              + ", expected two of one shape [B, H, W, 3] with H and W multiples of "
              + divisor
              + " for "
              + config.backbone());
    }
  }

  private List<Variable> decodeSelected(Variable imageA, Variable imageB) {
    Variable a = Functional.cast(imageA, activations);
    Variable b = Functional.cast(imageB, activations);
    // Hooks that look at training and files that others read have a pass for each image.
    boolean learning = isTraining() || Tape.isRecording();
    if (Trace.isOpen() || (learning && backbone.isObserved())) {
      List<Variable> fa = select(backbone.features(a));
      return decoder.decode(fa, select(backbone.features(b)));
    }
    int n = a.dim(0);
    List<Variable> first = new ArrayList<>();
    List<Variable> second = new ArrayList<>();
    for (Variable f : select(bothFeatures(a, b))) {
      first.add(Functional.narrow(f, 0, 0, n));
      second.add(Functional.narrow(f, 0, n, n));
    }
    return decoder.decode(first, second);
  }

  /** Maps of the first images, followed by those of the second. */
  private List<Variable> bothFeatures(Variable a, Variable b) {
    try (JoinedBatches _ = JoinedBatches.open(2)) {
      return backbone.features(Functional.concat(0, a, b));
    }
  }

  private List<Variable> select(List<Variable> maps) {
    List<Variable> chosen = new ArrayList<>();
    for (int i : inIndex) {
      chosen.add(maps.get(i));
    }
    return chosen;
  }
}
