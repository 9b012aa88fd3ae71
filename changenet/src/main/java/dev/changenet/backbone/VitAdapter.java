package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.BatchNorm2d;
import dev.changenet.nn.ConvTranspose2d;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.ChangeNetException;
import dev.changenet.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * A vision transformer with the ViT-Adapter around it (Chen et al., "Vision transformer adapter for
 * dense predictions"): a convolutional prior exchanges information with the tokens four times and
 * makes four maps of them, with strides 4, 8, 16 and 32.
 *
 * <p>Subclasses bring the transformer. State-dict order mixes the two, so they register their parts
 * around {@link #registerAdapter}.
 */
public abstract class VitAdapter extends Backbone {
  private static final int INTERACTIONS = 4;
  private static final int DIVISOR = 2 * VitVariant.PATCH;
  private static final Initializer ZERO = Initializer.constant(0);

  private final VitVariant variant;
  private final boolean checkpoint;
  private Parameter levelEmbed;
  private SpatialPrior spm;
  private final List<Interaction> interactions = new ArrayList<>();
  private ConvTranspose2d up;
  private final List<BatchNorm2d> norms = new ArrayList<>();
  private Linear fcSummary;
  private final List<Linear> fusions = new ArrayList<>();

  /**
   * @param checkpoint compute the transformer's blocks again in the backward pass instead of
   *     keeping their activations
   */
  VitAdapter(Device device, VitVariant variant, boolean checkpoint) {
    super(device);
    this.variant = variant;
    this.checkpoint = checkpoint;
  }

  /** Registers {@code level_embed}, the first of the adapter's parameters. */
  final void registerLevelEmbed() {
    levelEmbed = parameter("level_embed", Initializer.normal(1), 3, variant.width());
  }

  /**
   * Registers all other parts of the adapter.
   *
   * @param summaryTokens prefix tokens to fuse into the maps, 0 for no fusion
   */
  final void registerAdapter(int summaryTokens, StepRandom random) {
    Device device = device();
    int d = variant.width();
    spm = child("spm", new SpatialPrior(device, variant.priorWidth(), d));
    for (int i = 0; i < INTERACTIONS; i++) {
      boolean last = i == INTERACTIONS - 1;
      Interaction interaction = new Interaction(device, variant, last, random);
      interactions.add(child("interactions." + i, interaction));
    }
    Initializer upInit = Initializer.heFanOut(4 * d);
    up = child("up", new ConvTranspose2d(device, d, d, 2, 2, 0, upInit, ZERO));
    for (int k = 1; k <= 4; k++) {
      norms.add(child("norm" + k, new BatchNorm2d(device, d)));
    }
    if (summaryTokens == 0) {
      return;
    }
    fcSummary = child("fc_summary", new Linear(device, summaryTokens * d, d));
    Initializer init = Initializer.heFanOut(d);
    for (int k = 1; k <= 4; k++) {
      fusions.add(child("conv" + k, Linear.conv1x1(device, 2 * d, d, init, ZERO)));
    }
  }

  /** Prefix tokens, then patch tokens with their positions: [B, S + N, D]. */
  abstract Variable embed(Variable image);

  /** The transformer's blocks. */
  abstract List<VitBlock> blocks();

  @Override
  public final List<Variable> features(Variable image) {
    requireSize(image);
    AdapterGrid grid =
        new AdapterGrid(image.dim(1) / VitVariant.PATCH, image.dim(2) / VitVariant.PATCH);
    return runAll(() -> maps(image, grid));
  }

  private static void requireSize(Variable image) {
    if (image.dim(1) % DIVISOR != 0 || image.dim(2) % DIVISOR != 0) {
      throw new ChangeNetException(
          "image of "
              + image.dim(1)
              + " x "
              + image.dim(2)
              + " pixels: the ViT and C-RADIO backbones need sides that are multiples of "
              + DIVISOR);
    }
  }

  private List<Variable> maps(Variable image, AdapterGrid grid) {
    List<Variable> prior = spm.features(image);
    Variable c = tokens(prior);
    Variable x = embed(image);
    int prefix = x.dim(1) - grid.patches();
    List<Variable> taps = new ArrayList<>();
    for (int i = 0; i < INTERACTIONS; i++) {
      int first = i * variant.depth() / INTERACTIONS;
      int end = (i + 1) * variant.depth() / INTERACTIONS;
      List<Variable> xc = interactions.get(i).call(x, c, v -> blocks(v, first, end), grid);
      x = xc.get(0);
      c = xc.get(1);
      Variable patches = Functional.narrow(x, 1, prefix, grid.patches());
      taps.add(Functional.tokensToMap(patches, grid.height(), grid.width()));
    }
    List<Variable> maps = combine(prior.get(0), c, taps, grid);
    return normalized(fcSummary == null ? maps : fused(maps, Functional.narrow(x, 1, 0, prefix)));
  }

  private Variable blocks(Variable x, int first, int end) {
    Variable y = x;
    for (VitBlock block : blocks().subList(first, end)) {
      y = block.call(y, checkpoint);
    }
    return y;
  }

  /** The prior's three token sequences, each with its level's embedding, in one. */
  private Variable tokens(List<Variable> prior) {
    Variable[] parts = new Variable[3];
    for (int l = 0; l < parts.length; l++) {
      Variable level = Functional.narrow(levelEmbed, 0, l, 1);
      parts[l] = Functional.addRepeated(prior.get(l + 1), level);
    }
    return Functional.concat(1, parts);
  }

  /** Maps of the prior plus the transformer's, brought to their sizes. */
  private List<Variable> combine(
      Variable first, Variable c, List<Variable> taps, AdapterGrid grid) {
    int n = grid.patches();
    int h = grid.height();
    int w = grid.width();
    Variable c2 = Functional.tokensToMap(Functional.narrow(c, 1, 0, 4 * n), 2 * h, 2 * w);
    Variable c3 = Functional.tokensToMap(Functional.narrow(c, 1, 4 * n, n), h, w);
    Variable c4 = Functional.tokensToMap(Functional.narrow(c, 1, 5 * n, n / 4), h / 2, w / 2);
    Variable c1 = Functional.add(up.call(c2), first);
    return List.of(
        Functional.add(c1, Functional.interpolateBilinear(taps.get(0), 4, false)),
        Functional.add(c2, Functional.interpolateBilinear(taps.get(1), 2, false)),
        Functional.add(c3, taps.get(2)),
        Functional.add(c4, Functional.interpolateBilinear(taps.get(3), 0.5, false)));
  }

  /**
   * Each map through a 1×1 convolution of [summary, map]. The summary is the same for all pixels,
   * so its part is computed once per sample.
   */
  private List<Variable> fused(List<Variable> maps, Variable prefix) {
    int d = variant.width();
    Variable flat = Functional.reshape(prefix, prefix.dim(0), prefix.dim(1) * d);
    Variable summary = fcSummary.call(flat);
    List<Variable> out = new ArrayList<>();
    for (int k = 0; k < maps.size(); k++) {
      Linear fusion = fusions.get(k);
      Variable ofMap = fusion.contribution(maps.get(k), d, false);
      out.add(Functional.addPerSample(ofMap, fusion.contribution(summary, 0, true)));
    }
    return out;
  }

  private List<Variable> normalized(List<Variable> maps) {
    List<Variable> out = new ArrayList<>();
    for (int k = 0; k < maps.size(); k++) {
      out.add(norms.get(k).call(maps.get(k)));
    }
    return out;
  }

  @Override
  public final int[] channels() {
    int d = variant.width();
    return new int[] {d, d, d, d};
  }

  @Override
  public final int divisor() {
    return DIVISOR;
  }
}
