package dev.changenet.model;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Loss over the five outputs (deep supervision) or over the full-resolution one alone.
 *
 * @param kind per-output loss
 * @param multiScale whether all five outputs count
 * @param weights weight of each output, coarsest first
 */
public record SegmentationLoss(Kind kind, boolean multiScale, List<Double> weights) {
  /** Label value of pixels that don't count. */
  public static final int IGNORE = 255;

  /** Values of {@code train.segment.loss}. */
  public enum Kind {
    /** Softmax cross-entropy, mean over the pixels that aren't ignored. */
    CE,
    /** Min-max IoU loss. */
    MMIOU
  }

  /**
   * The total and its parts.
   *
   * @param total weighted sum, a scalar
   * @param components unweighted loss of each output that counts
   */
  public record Result(Variable total, List<Variable> components) {}

  /**
   * @param outputs [p4, p3, p2, p1, cp] as the model returns them
   * @param labels class ids [B, H, W], {@link #IGNORE} where ignored
   */
  public Result compute(List<Variable> outputs, int[] labels) {
    Variable full = outputs.getLast();
    int b = full.dim(0);
    int h = full.dim(1);
    int w = full.dim(2);
    List<Variable> counted = multiScale ? outputs : List.of(full);
    List<Variable> components = new ArrayList<>();
    float[] weight = new float[counted.size()];
    for (int i = 0; i < weight.length; i++) {
      Variable out = counted.get(i);
      int[] target = nearest(labels, b, h, w, out.dim(1), out.dim(2));
      components.add(one(out, onDevice(target, out, b)));
      weight[i] = multiScale ? weights.get(i).floatValue() : 1f;
    }
    return new Result(Functional.weightedSum(components, weight), components);
  }

  private static Tensor onDevice(int[] target, Variable out, int b) {
    return Tensor.of(target, b, out.dim(1), out.dim(2)).to(out.data().device());
  }

  private Variable one(Variable logits, Tensor target) {
    return switch (kind) {
      case CE -> Functional.crossEntropy(logits, target, IGNORE);
      case MMIOU -> Functional.mmIou(logits, target, IGNORE);
    };
  }

  /** Nearest resize of a label map, index floor(i·in/out): the top-left pixel of each block. */
  static int[] nearest(int[] labels, int b, int h, int w, int oh, int ow) {
    if (oh == h && ow == w) {
      return labels;
    }
    int[] out = new int[b * oh * ow];
    for (int n = 0; n < b; n++) {
      for (int y = 0; y < oh; y++) {
        int sy = (int) ((long) y * h / oh);
        for (int x = 0; x < ow; x++) {
          out[(n * oh + y) * ow + x] = labels[(n * h + sy) * w + (int) ((long) x * w / ow)];
        }
      }
    }
    return out;
  }
}
