package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.GELU;
import dev.changenet.nn.Layer;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * Two ConvNeXt stages ({@code patch_embed.backbone} of the FAN-hybrid backbones; Liu et al., "A
 * ConvNet for the 2020s").
 *
 * <p>The norm right after the stem convolution divides its variance by C, all later ones by C − 1:
 * the reference behaves so, and the golden results show it.
 */
final class ConvNeXtStem extends Module {
  private static final double EPS = 1e-6;
  private static final Initializer WEIGHT = Initializer.normal(0.02);
  private static final Initializer ZERO = Initializer.constant(0);

  private final Stem stem;
  private final List<Stage> stages = new ArrayList<>();

  /**
   * @param checkpoint in training, compute the blocks again in the backward pass
   */
  ConvNeXtStem(Device device, int[] depths, int[] dims, boolean checkpoint) {
    super(device);
    stem = child("stem", new Stem(device, dims[0]));
    for (int s = 0; s < depths.length; s++) {
      int in = s == 0 ? dims[0] : dims[s - 1];
      stages.add(
          child("stages." + s, new Stage(device, s > 0, in, dims[s], depths[s], checkpoint)));
    }
  }

  /** The outputs of both stages, [B, H/4, W/4, D₀] and [B, H/8, W/8, D₁]. */
  List<Variable> features(Variable image) {
    return runAll(
        () -> {
          List<Variable> maps = new ArrayList<>();
          Variable x = stem.call(image);
          for (Stage stage : stages) {
            x = stage.call(x);
            maps.add(x);
          }
          return maps;
        });
  }

  /** 4×4 patches and a norm. */
  private static final class Stem extends Layer {
    private final Conv2d conv;
    private final LayerNorm norm;

    Stem(Device device, int dim) {
      super(device);
      conv = child("0", new Conv2d(device, 3, dim, 4, 4, 0, 1, false, WEIGHT, ZERO));
      norm = child("1", new LayerNorm(device, dim, EPS, false));
    }

    @Override
    protected Variable forward(Variable image) {
      return norm.call(conv.call(image));
    }
  }

  /** Optional 2×2 downsampling, then blocks. */
  private static final class Stage extends Layer {
    private final Downsample downsample;
    private final List<Block> blocks = new ArrayList<>();
    private final boolean checkpoint;

    Stage(Device device, boolean reduce, int in, int dim, int depth, boolean checkpoint) {
      super(device);
      this.checkpoint = checkpoint;
      downsample = reduce ? child("downsample", new Downsample(device, in, dim)) : null;
      for (int i = 0; i < depth; i++) {
        blocks.add(child("blocks." + i, new Block(device, dim)));
      }
    }

    @Override
    protected Variable forward(Variable x) {
      Variable y = downsample == null ? x : downsample.call(x);
      for (Block block : blocks) {
        y = checkpoint ? block.callRecomputed(y) : block.call(y);
      }
      return y;
    }
  }

  private static final class Downsample extends Layer {
    private final LayerNorm norm;
    private final Conv2d conv;

    Downsample(Device device, int in, int out) {
      super(device);
      norm = child("0", new LayerNorm(device, in, EPS, true));
      conv = child("1", new Conv2d(device, in, out, 2, 2, 0, 1, false, WEIGHT, ZERO));
    }

    @Override
    protected Variable forward(Variable x) {
      return conv.call(norm.call(x));
    }
  }

  /** x + gamma ⊙ fc2(GELU(fc1(norm(depthwise 7×7(x))))). */
  private static final class Block extends Layer {
    private final Parameter gamma;
    private final Conv2d convDw;
    private final LayerNorm norm;
    private final Linear fc1;
    private final GELU act;
    private final Linear fc2;

    Block(Device device, int dim) {
      super(device);
      gamma = parameter("gamma", Initializer.constant(1e-6), dim);
      convDw = child("conv_dw", Conv2d.depthwise(device, dim, 7, WEIGHT, ZERO));
      norm = child("norm", new LayerNorm(device, dim, EPS, true));
      fc1 = child("mlp.fc1", Linear.conv1x1(device, dim, 4 * dim, WEIGHT, ZERO));
      act = child("mlp.act", new GELU(device));
      fc2 = child("mlp.fc2", Linear.conv1x1(device, 4 * dim, dim, WEIGHT, ZERO));
    }

    Variable callRecomputed(Variable x) {
      return recomputed(this::call, x);
    }

    @Override
    protected Variable forward(Variable x) {
      Variable y = norm.call(convDw.call(x));
      y = fc2.call(act.call(fc1.call(y)));
      return Functional.residual(x, y, gamma, null);
    }
  }
}
