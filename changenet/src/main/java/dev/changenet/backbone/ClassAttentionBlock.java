package dev.changenet.backbone;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.nn.GELU;
import dev.changenet.nn.Layer;
import dev.changenet.nn.LayerNorm;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.Parameter;
import dev.changenet.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * A class-attention block. Patch tokens never read the class token, so for segmentation the block
 * is the per-token map t ← 2·LN(t + gamma1 ⊙ LN(t)); the other parameters are idle but stay in
 * checkpoints. {@link #withClassToken} computes the block as defined, for those who inspect it.
 */
final class ClassAttentionBlock extends Module {
  private final Parameter gamma1;
  private final Parameter gamma2;
  private final LayerNorm norm1;
  private final ClassAttention attn;
  private final LayerNorm norm2;
  private final Mlp mlp;

  ClassAttentionBlock(Device device, int width, int heads) {
    super(device);
    gamma1 = parameter("gamma1", FanBlock.ONE, width);
    gamma2 = parameter("gamma2", FanBlock.ONE, width);
    norm1 = child("norm1", new LayerNorm(device, width, FanBlock.EPS, false));
    attn = child("attn", new ClassAttention(device, width, heads));
    norm2 = child("norm2", new LayerNorm(device, width, FanBlock.EPS, false));
    mlp = child("mlp", new Mlp(device, width));
  }

  /** Patch tokens [B, N, C] → the same shape. */
  Variable patchTokens(Variable t) {
    return run(
        () -> {
          Variable x = Functional.residual(t, norm1.call(t), gamma1, null);
          return Functional.scale(norm2.call(x), 2f);
        });
  }

  /** Class and patch tokens [B, 1 + N, C] → the same shape. */
  Variable withClassToken(Variable tokens) {
    return run(
        () -> {
          int n = tokens.dim(1) - 1;
          Variable z = norm1.call(tokens);
          Variable c = attn.call(z);
          Variable mixed = Functional.concat(1, c, Functional.narrow(z, 1, 1, n));
          Variable x = norm2.call(Functional.residual(tokens, mixed, gamma1, null));
          Variable cls = Functional.narrow(x, 1, 0, 1);
          Variable patches = Functional.narrow(x, 1, 1, n);
          Variable newCls = Functional.residual(cls, mlp.call(cls), gamma2, null);
          return Functional.concat(1, newCls, Functional.scale(patches, 2f));
        });
  }

  /** Parameters without influence on the patch tokens. */
  List<Parameter> idleParameters() {
    List<Parameter> idle = new ArrayList<>();
    idle.add(gamma2);
    idle.addAll(attn.parameters());
    idle.addAll(mlp.parameters());
    return idle;
  }

  /** The class token attends to all tokens. */
  private static final class ClassAttention extends Layer {
    private final Linear q;
    private final Linear k;
    private final Linear v;
    private final Linear proj;
    private final int heads;

    ClassAttention(Device device, int width, int heads) {
      super(device);
      this.heads = heads;
      q = child("q", FanBlock.linear(device, width, width));
      k = child("k", FanBlock.linear(device, width, width));
      v = child("v", FanBlock.linear(device, width, width));
      proj = child("proj", FanBlock.linear(device, width, width));
    }

    @Override
    protected Variable forward(Variable z) {
      Variable query = q.call(Functional.narrow(z, 1, 0, 1));
      return proj.call(Functional.attention(query, k.call(z), v.call(z), heads));
    }
  }

  private static final class Mlp extends Layer {
    private final Linear fc1;
    private final GELU act;
    private final Linear fc2;

    Mlp(Device device, int width) {
      super(device);
      fc1 = child("fc1", FanBlock.linear(device, width, 4 * width));
      act = child("act", new GELU(device));
      fc2 = child("fc2", FanBlock.linear(device, 4 * width, width));
    }

    @Override
    protected Variable forward(Variable x) {
      return fc2.call(act.call(fc1.call(x)));
    }
  }
}
