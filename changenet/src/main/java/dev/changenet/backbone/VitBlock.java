package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.DropPath;
import dev.changenet.nn.GELU;
import dev.changenet.nn.Layer;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.LayerScale;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.StepRandom;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;

/**
 * A pre-norm transformer block (Dosovitskiy et al., "An image is worth 16x16 words"): x + attention
 * of its norm, then x + MLP of its norm. NV-DINOv2 adds layer scale, stochastic depth and SwiGLU.
 */
final class VitBlock extends Module {
  private static final double EPS = 1e-6;
  private static final double LAYER_SCALE = 1e-5;
  private static final Initializer WEIGHT = Initializer.normal(0.02);
  private static final Initializer ZERO = Initializer.constant(0);

  private final LayerNorm norm1;
  private final Attention attn;
  private final LayerScale ls1;
  private final LayerNorm norm2;
  private final Layer mlp;
  private final LayerScale ls2;
  private final DropPath dropPath1;
  private final DropPath dropPath2;

  VitBlock(Device device, VitVariant variant, double dropPath, StepRandom random) {
    super(device);
    boolean dino = variant.core() == VitVariant.Core.NV_DINO_V2;
    int width = variant.width();
    norm1 = child("norm1", new LayerNorm(device, width, EPS, false));
    attn = child("attn", new Attention(device, variant));
    ls1 = dino ? child("ls1", new LayerScale(device, width, LAYER_SCALE)) : null;
    norm2 = child("norm2", new LayerNorm(device, width, EPS, false));
    mlp =
        child(
            "mlp",
            dino
                ? new Swiglu(device, width, variant.hidden())
                : new Mlp(device, width, variant.hidden()));
    ls2 = dino ? child("ls2", new LayerScale(device, width, LAYER_SCALE)) : null;
    dropPath1 = child("drop_path1", new DropPath(device, dropPath, random));
    dropPath2 = child("drop_path2", new DropPath(device, dropPath, random));
  }

  /**
   * [B, N, D] → [B, N, D].
   *
   * @param checkpoint in training, keep only the input and compute again in the backward pass
   */
  Variable call(Variable x, boolean checkpoint) {
    float[] scale1 = dropPath1.draw(x.dim(0));
    float[] scale2 = dropPath2.draw(x.dim(0));
    return checkpoint ? recomputed(v -> forward(v, scale1, scale2), x) : forward(x, scale1, scale2);
  }

  private Variable forward(Variable x, float[] scale1, float[] scale2) {
    return run(
        () -> {
          Variable y = residual(x, attn.call(norm1.call(x)), ls1, scale1);
          return residual(y, mlp.call(norm2.call(y)), ls2, scale2);
        });
  }

  private static Variable residual(Variable x, Variable y, LayerScale ls, float[] scale) {
    return ls == null ? Functional.residual(x, y, null, scale) : ls.residual(x, y, scale);
  }

  /** A linear layer with the initial values of the core that {@code variant} names. */
  private static Linear linear(Device device, VitVariant variant, int in, int out) {
    return variant.core() == VitVariant.Core.NV_DINO_V2
        ? new Linear(device, in, out, WEIGHT, ZERO)
        : new Linear(device, in, out);
  }

  private static final class Attention extends Layer {
    private final Linear qkv;
    private final Linear proj;
    private final int heads;

    Attention(Device device, VitVariant variant) {
      super(device);
      int width = variant.width();
      heads = variant.heads();
      qkv = child("qkv", linear(device, variant, width, 3 * width));
      proj = child("proj", linear(device, variant, width, width));
    }

    @Override
    protected Variable forward(Variable x) {
      return proj.call(Functional.selfAttention(qkv.call(x), heads));
    }
  }

  private static final class Mlp extends Layer {
    private final Linear fc1;
    private final GELU act;
    private final Linear fc2;

    Mlp(Device device, int width, int hidden) {
      super(device);
      fc1 = child("fc1", new Linear(device, width, hidden));
      act = child("act", new GELU(device));
      fc2 = child("fc2", new Linear(device, hidden, width));
    }

    @Override
    protected Variable forward(Variable x) {
      return fc2.call(act.call(fc1.call(x)));
    }
  }

  /** Gate and value are packed in fc1, the gate first. */
  private static final class Swiglu extends Layer {
    private final Linear fc1;
    private final Linear fc2;

    Swiglu(Device device, int width, int hidden) {
      super(device);
      // The reference's initialiser takes the second half for the gate.
      Initializer weight = Initializer.halves(WEIGHT, Initializer.normal(1e-6));
      Initializer bias = Initializer.halves(ZERO, Initializer.constant(1));
      fc1 = child("fc1", new Linear(device, width, 2 * hidden, weight, bias));
      fc2 = child("fc2", new Linear(device, hidden, width, WEIGHT, ZERO));
    }

    @Override
    protected Variable forward(Variable x) {
      return fc2.call(Functional.swiglu(fc1.call(x)));
    }
  }
}
