package dev.changenet.model;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.Device;
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

  /** Class ids at the size of an output, {@link #IGNORE} where ignored. */
  @FunctionalInterface
  public interface Targets {
    /** Returns int32 [B, height, width]. */
    Tensor resized(int height, int width);
  }

  /**
   * @param outputs [p4, p3, p2, p1, cp] as the model returns them
   * @param labels class ids [B, H, W], {@link #IGNORE} where ignored
   */
  public Result compute(List<Variable> outputs, int[] labels) {
    Variable full = outputs.getLast();
    Device device = full.data().device();
    return compute(outputs, targets(labels, full.dim(0), full.dim(1), full.dim(2), device));
  }

  /** Labels [b, h, w] at any size: the top-left pixel of each block. */
  public static Targets targets(int[] labels, int b, int h, int w, Device device) {
    return (oh, ow) -> onDevice(Tensor.of(nearest(labels, b, h, w, oh, ow), b, oh, ow), device);
  }

  /**
   * @param outputs [p4, p3, p2, p1, cp] as the model returns them
   * @param targets the labels, for each size that an output has
   */
  public Result compute(List<Variable> outputs, Targets targets) {
    Variable full = outputs.getLast();
    List<Variable> counted = multiScale ? outputs : List.of(full);
    List<Variable> components = new ArrayList<>();
    float[] weight = new float[counted.size()];
    for (int i = 0; i < weight.length; i++) {
      Variable out = counted.get(i);
      components.add(one(out, targets.resized(out.dim(1), out.dim(2))));
      weight[i] = multiScale ? weights.get(i).floatValue() : 1f;
    }
    return new Result(Functional.weightedSum(components, weight), components);
  }

  private static Tensor onDevice(Tensor cpu, Device device) {
    return cpu.to(device);
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
