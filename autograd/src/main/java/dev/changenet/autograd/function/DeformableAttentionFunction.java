package dev.changenet.autograd.function;

import dev.changenet.autograd.Function;
import dev.changenet.autograd.Gradients;
import dev.changenet.autograd.Op;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Sampling.Levels;

/**
 * The core of multi-scale deformable attention. Inputs: value [B, Nv, Hd·d], offsets [B, Nq,
 * Hd·L·P·2] in pixels, weights [B, Nq, Hd·L·P], reference points [Nq, 2], which get no gradient.
 */
public final class DeformableAttentionFunction extends Function {
  private final Levels levels;
  private final int heads;
  private final int points;

  public DeformableAttentionFunction(Levels levels, int heads, int points) {
    this.levels = levels;
    this.heads = heads;
    this.points = points;
  }

  @Override
  public Op op() {
    return Op.DEFORMABLE_ATTENTION;
  }

  public Levels levels() {
    return levels;
  }

  public int heads() {
    return heads;
  }

  public int points() {
    return points;
  }

  @Override
  protected Tensor forward(Tensor... in) {
    Tensor value = in[0];
    Tensor out = value.emptyLike(value.dim(0), in[1].dim(1), value.dim(2));
    backend(value)
        .sampling()
        .deformableAttention(value, levels, in[3], in[1], in[2], heads, points, out);
    save(value, in[1], in[2], in[3]);
    return out;
  }

  @Override
  protected void backward(Tensor gradOut, Gradients g) {
    Tensor gradValue = g.allocate(0, saved(0));
    Tensor gradOffsets = g.allocate(1, saved(1));
    Tensor gradWeights = g.allocate(2, saved(2));
    backend(gradOut)
        .sampling()
        .deformableAttentionBackward(
            gradOut,
            saved(0),
            levels,
            saved(3),
            saved(1),
            saved(2),
            heads,
            points,
            gradValue,
            gradOffsets,
            gradWeights);
  }
}
