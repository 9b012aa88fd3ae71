package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.BatchNorm2d;
import dev.changenet.nn.Conv2d;
import dev.changenet.nn.DropPath;
import dev.changenet.nn.GELU;
import dev.changenet.nn.Layer;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/**
 * A FAN block (Zhou et al., "Understanding the robustness in vision transformers"): token mixing by
 * attention, then channel processing by a gated MLP, both as layer-scaled residuals.
 */
final class FanBlock extends Module {
  static final double EPS = 1e-6;
  static final Initializer WEIGHT = Initializer.normal(0.02);
  static final Initializer ZERO = Initializer.constant(0);
  static final Initializer ONE = Initializer.constant(1);

  private final Parameter gamma1;
  private final Parameter gamma2;
  private final LayerNorm norm1;
  private final TokenMixing attn;
  private final LayerNorm norm2;
  private final ChannelProcessing mlp;
  private final DropPath dropPath1;
  private final DropPath dropPath2;

  FanBlock(Device device, int width, int heads, double dropPath, StepRandom random) {
    super(device);
    gamma1 = parameter("gamma1", ONE, width);
    gamma2 = parameter("gamma2", ONE, width);
    norm1 = child("norm1", new LayerNorm(device, width, EPS, false));
    attn = child("attn", new TokenMixing(device, width, heads));
    norm2 = child("norm2", new LayerNorm(device, width, EPS, false));
    mlp = child("mlp", new ChannelProcessing(device, width, heads));
    dropPath1 = child("drop_path1", new DropPath(device, dropPath, random));
    dropPath2 = child("drop_path2", new DropPath(device, dropPath, random));
  }

  static Linear linear(Device device, int in, int out) {
    return new Linear(device, in, out, WEIGHT, ZERO);
  }

  /**
   * Tokens [B, height·width, C] → the same shape.
   *
   * @param checkpoint in training, keep only the input and compute again in the backward pass
   */
  Variable call(Variable tokens, int height, int width, boolean checkpoint) {
    float[] scale1 = dropPath1.draw(tokens.dim(0));
    float[] scale2 = dropPath2.draw(tokens.dim(0));
    return checkpoint
        ? recomputed(v -> forward(v, height, width, scale1, scale2), tokens)
        : forward(tokens, height, width, scale1, scale2);
  }

  private Variable forward(Variable tokens, int height, int width, float[] scale1, float[] scale2) {
    return run(
        () -> {
          Variable x = dropPath1.residual(tokens, attn.call(norm1.call(tokens)), gamma1, scale1);
          Variable y = mlp.call(norm2.call(x), height, width);
          return dropPath2.residual(x, y, gamma2, scale2);
        });
  }

  /** Multi-head attention among the tokens. */
  private static final class TokenMixing extends Layer {
    private final Linear q;
    private final Linear kv;
    private final Linear proj;
    private final int heads;

    TokenMixing(Device device, int width, int heads) {
      super(device);
      this.heads = heads;
      q = child("q", linear(device, width, width));
      kv = child("kv", linear(device, width, 2 * width));
      proj = child("proj", linear(device, width, width));
    }

    @Override
    protected Variable forward(Variable x) {
      return proj.call(Functional.attention(q.call(x), kv.call(x), heads));
    }
  }

  /** An MLP whose channels are gated by how well their queries match the head's keys. */
  private static final class ChannelProcessing extends Module {
    /** The framework's default, unlike every other norm of this backbone. */
    private static final double NORM_V_EPS = 1e-5;

    private final Parameter temperature;
    private final FanMlp mlpV;
    private final LayerNorm normV;
    private final Linear q;
    private final int heads;

    ChannelProcessing(Device device, int width, int heads) {
      super(device);
      this.heads = heads;
      temperature = parameter("temperature", ONE, heads, 1, 1);
      mlpV = child("mlp_v", new FanMlp(device, width));
      normV = child("norm_v", new LayerNorm(device, width, NORM_V_EPS, false));
      q = child("q", linear(device, width, width));
    }

    Variable call(Variable x, int height, int width) {
      return run(
          () -> {
            Variable v = normV.call(mlpV.call(x, height, width));
            return Functional.channelGate(q.call(x), x, v, temperature, heads);
          });
    }
  }

  /** fc1, a depthwise branch added through gamma, fc2; the only activation sits in the branch. */
  private static final class FanMlp extends Module {
    private final Parameter gamma;
    private final Linear fc1;
    private final Conv2d conv1;
    private final GELU act;
    private final BatchNorm2d bn;
    private final Conv2d conv2;
    private final Linear fc2;

    FanMlp(Device device, int width) {
      super(device);
      int hidden = 4 * width;
      Initializer depthwise = Initializer.heFanOut(9);
      gamma = parameter("gamma", ONE, hidden);
      fc1 = child("fc1", linear(device, width, hidden));
      conv1 = child("dwconv.conv1", Conv2d.depthwise(device, hidden, 3, depthwise, ZERO));
      act = child("dwconv.act", new GELU(device));
      bn = child("dwconv.bn", new BatchNorm2d(device, hidden));
      conv2 = child("dwconv.conv2", Conv2d.depthwise(device, hidden, 3, depthwise, ZERO));
      fc2 = child("fc2", linear(device, hidden, width));
    }

    Variable call(Variable x, int height, int width) {
      return run(
          () -> {
            Variable u = fc1.call(x);
            Variable z = Functional.tokensToMap(u, height, width);
            z = conv2.call(bn.call(act.call(conv1.call(z))));
            return fc2.call(Functional.residual(u, Functional.mapToTokens(z), gamma, null));
          });
    }
  }
}
