package dev.changenet.model;

import dev.changenet.autograd.Functional;
import dev.changenet.autograd.Variable;
import dev.changenet.tensor.DType;
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
 * @param classWeights weight of each class in cross-entropy and focal loss; empty for 1
 * @param focalGamma exponent of focal loss
 */
public record SegmentationLoss(
    Kind kind,
    boolean multiScale,
    List<Double> weights,
    List<Double> classWeights,
    double focalGamma) {
  /** Label value of pixels that don't count. */
  public static final int IGNORE = 255;

  /** Values of {@code train.segment.loss}. */
  public enum Kind {
    /** Softmax cross-entropy, mean over the pixels that aren't ignored. */
    CE,
    /** Min-max IoU loss. */
    MMIOU,
    /** Focal loss, mean over the pixels that aren't ignored. */
    FOCAL,
    /** Soft dice loss, mean over samples and classes. */
    DICE,
    /** CE + DICE. */
    CE_DICE,
    /** FOCAL + DICE. */
    FOCAL_DICE
  }

  public SegmentationLoss {
    weights = List.copyOf(weights);
    classWeights = List.copyOf(classWeights);
  }

  /** A loss without class weights. */
  public SegmentationLoss(Kind kind, boolean multiScale, List<Double> weights) {
    this(kind, multiScale, weights, List.of(), 2);
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

  /** What a part of a batch counts in the mean over the whole batch. */
  public interface Share {
    /**
     * Share of the part's pixels, by {@link SegmentationLoss#counted}, at the size of an output.
     */
    double pixels(int height, int width);

    /** Share of the part's samples. */
    double samples();
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
    return compute(outputs, targets, null);
  }

  /**
   * Loss of a part of a batch, so that the losses of all parts add up to that of the batch: exactly
   * for all kinds but {@link Kind#MMIOU}, whose minimum is then taken over each part.
   *
   * @param share null for a whole batch
   */
  public Result compute(List<Variable> outputs, Targets targets, Share share) {
    Variable full = outputs.getLast();
    List<Variable> counted = multiScale ? outputs : List.of(full);
    List<Variable> components = new ArrayList<>();
    float[] weight = new float[counted.size()];
    for (int i = 0; i < weight.length; i++) {
      Variable out = exact(counted.get(i));
      components.add(one(out, targets.resized(out.dim(1), out.dim(2)), share));
      weight[i] = multiScale ? weights.get(i).floatValue() : 1f;
    }
    return new Result(Functional.weightedSum(components, weight), components);
  }

  /**
   * float16 logits in float32: the loss has the gradient of the mean ready before it learns the
   * loss scale, and float16 can't hold a share of a millionth.
   */
  private static Variable exact(Variable logits) {
    return logits.data().dtype() == DType.FLOAT16 ? Functional.cast(logits, DType.FLOAT32) : logits;
  }

  private static Tensor onDevice(Tensor cpu, Device device) {
    return cpu.to(device);
  }

  private Variable one(Variable logits, Tensor target, Share share) {
    Variable pixels =
        switch (kind) {
          case CE, CE_DICE -> crossEntropy(logits, target);
          case FOCAL, FOCAL_DICE -> Functional.focal(logits, target, IGNORE, factors(), focalGamma);
          case MMIOU, DICE -> null;
        };
    Variable samples =
        switch (kind) {
          case CE, FOCAL -> null;
          case MMIOU -> Functional.mmIou(logits, target, IGNORE);
          case DICE, CE_DICE, FOCAL_DICE -> Functional.dice(logits, target, IGNORE);
        };
    float ofPixels = share == null ? 1 : (float) share.pixels(logits.dim(1), logits.dim(2));
    float ofSamples = share == null ? 1 : (float) share.samples();
    if (pixels == null || samples == null) {
      Variable loss = pixels == null ? samples : pixels;
      return share == null ? loss : Functional.scale(loss, pixels == null ? ofSamples : ofPixels);
    }
    return Functional.weightedSum(List.of(pixels, samples), new float[] {ofPixels, ofSamples});
  }

  private Variable crossEntropy(Variable logits, Tensor target) {
    return classWeights.isEmpty()
        ? Functional.crossEntropy(logits, target, IGNORE)
        : Functional.focal(logits, target, IGNORE, factors(), 0);
  }

  /** The class weights, or null for 1. */
  private float[] factors() {
    if (classWeights.isEmpty()) {
      return null;
    }
    float[] factors = new float[classWeights.size()];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = classWeights.get(i).floatValue();
    }
    return factors;
  }

  /**
   * What the pixels of {@code labels} [b, h, w] count at the size of an output: each its class
   * weight, ignored ones nothing.
   */
  public double counted(int[] labels, int b, int h, int w, int height, int width) {
    float[] factors = factors();
    double sum = 0;
    for (int label : nearest(labels, b, h, w, height, width)) {
      sum += label == IGNORE ? 0 : factors == null ? 1 : factors[label];
    }
    return sum;
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
