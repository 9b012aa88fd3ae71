package dev.changenet.benchmark;

import dev.changenet.autograd.NoGrad;
import dev.changenet.autograd.Trace;
import dev.changenet.autograd.Variable;
import dev.changenet.autograd.function.AttentionFunction;
import dev.changenet.model.ChangeNet;
import dev.changenet.tensor.DType;
import dev.changenet.tensor.Scope;
import dev.changenet.tensor.Shape;
import dev.changenet.tensor.Tensor;
import java.util.List;

/** Counts the arithmetic of a forward pass from its trace, as direct algorithms would do it. */
final class StepCost {
  private StepCost() {}

  /** Floating-point operations (two per multiply-add) of products and convolutions for one pair. */
  static double forwardFlops(ChangeNet net, int px) {
    net.eval();
    double macs = 0;
    try (Scope _ = Scope.open();
        NoGrad _ = NoGrad.open();
        Trace trace = Trace.open()) {
      Shape shape = Shape.of(1, px, px, 3);
      Variable image = new Variable(Tensor.full(shape, DType.FLOAT32, net.device(), 0.5));
      net.forward(image, image);
      for (Trace.Node node : trace.nodes()) {
        macs += macs(node);
      }
    }
    return 2 * macs;
  }

  private static double macs(Trace.Node node) {
    List<Variable> in = node.inputs();
    double out = node.output().shape().elements();
    return switch (node.function().op()) {
      case LINEAR -> out * in.get(0).dim(-1);
      // Weight [O, I/groups, kh, kw].
      case CONV2D -> out * in.get(1).shape().elements() / in.get(1).dim(0);
      case CONV2D_PAIR ->
          (double) in.get(0).shape().elements() / in.get(0).dim(-1) * in.get(1).shape().elements()
              + out * in.get(3).shape().elements() / in.get(3).dim(0);
      // Weight [I, O, kh, kw]: every input element meets O·kh·kw weights.
      case CONV_TRANSPOSE2D ->
          (double) in.get(0).shape().elements() * in.get(1).shape().elements() / in.get(1).dim(0);
      case ATTENTION ->
          2.0
              * in.get(0).dim(0)
              * in.get(0).dim(1)
              * (in.get(1) == null ? in.get(0) : in.get(1)).dim(1)
              * ((AttentionFunction) node.function()).channels();
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
          DEFORMABLE_ATTENTION,
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
          CHANNEL_GATE,
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
}
