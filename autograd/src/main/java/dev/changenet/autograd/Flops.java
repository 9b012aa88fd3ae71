package dev.changenet.autograd;

import dev.changenet.autograd.function.AttentionFunction;
import dev.changenet.autograd.function.DeformableAttentionFunction;
import dev.changenet.tensor.Tensor;
import java.util.List;

/**
 * Floating-point operations of one operation, two per multiply-add, as a direct algorithm would do
 * them: matrix products, convolutions, attention products, the channel gate and deformable reads.
 * Norms, activations, additions and resizing count nothing: they are bound by memory.
 */
final class Flops {
  /** Of a deformable read: four pixels, then its weight. */
  private static final int READS = 5;

  private Flops() {}

  /** Operations of the forward pass. */
  static double forward(Function f, Tensor[] in, Tensor result) {
    return 2 * multiplyAdds(f, in, result.elements());
  }

  private static double multiplyAdds(Function f, Tensor[] in, double out) {
    return switch (f.op()) {
      case LINEAR -> out * in[0].dim(-1);
      // Weight [O, I/groups, kh, kw].
      case CONV2D -> out * in[1].elements() / in[1].dim(0);
      case CONV2D_PAIR ->
          (double) in[0].elements() / in[0].dim(-1) * in[1].elements()
              + out * in[3].elements() / in[3].dim(0);
      // Weight [I, O, kh, kw]: every input element meets O·kh·kw weights.
      case CONV_TRANSPOSE2D -> (double) in[0].elements() * in[1].elements() / in[1].dim(0);
      case ATTENTION ->
          2.0
              * in[0].dim(0)
              * in[0].dim(1)
              * (in[1] == null ? in[0] : in[1]).dim(1)
              * ((AttentionFunction) f).channels();
      // Weights [B, Nq, heads·levels·points], each for a read of width C / heads.
      case DEFORMABLE_ATTENTION ->
          (double) READS
              * in[2].elements()
              * in[0].dim(2)
              / ((DeformableAttentionFunction) f).heads();
      case CHANNEL_GATE -> 2 * out;
      case LAYER_NORM,
          BATCH_NORM,
          ACTIVATION,
          ADD,
          ADD_REPEATED,
          SCALE,
          SWIGLU,
          ADD_PER_SAMPLE,
          RESHAPE,
          SOFTMAX,
          MAX_POOL2D,
          SAMPLE_TABLE,
          CHECKPOINT,
          CAST,
          RESIDUAL,
          CONCAT,
          NARROW,
          MAP_TO_TOKENS,
          TOKENS_TO_MAP,
          REPEAT_BATCH,
          RESIZE,
          CROSS_ENTROPY,
          FOCAL,
          DICE,
          MM_IOU,
          WEIGHTED_SUM,
          ATTACH_IDLE ->
          0;
    };
  }

  /**
   * Operations of the backward pass over those of the forward pass: one product for each factor
   * that wants a gradient.
   */
  static int backwardFactor(Function f) {
    Variable[] in = f.inputs();
    if (List.of(Op.LINEAR, Op.CONV2D, Op.CONV_TRANSPOSE2D).contains(f.op())) {
      return (in[0].requiresGrad() ? 1 : 0) + (in[1].requiresGrad() ? 1 : 0);
    }
    // Two factors, both of trained layers, or no operations at all.
    return 2;
  }
}
