package dev.changenet.tensor.cpu;

import dev.changenet.tensor.DType;
import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;
import dev.changenet.tensor.reference.ReferenceLoss;
import java.util.Arrays;

/**
 * Losses with their gradients. Cross-entropy is one pass over the logits, with a vector kernel for
 * two classes; float64 tensors go to the reference kernels.
 */
final class CpuLoss implements Loss {
  /** Rows of one task. */
  static final int BLOCK = 1 << 13;

  /** Added to the union so that an absent class divides by something. */
  private static final double IOU_EPSILON = 1e-8;

  private final Loss reference = new ReferenceLoss();

  @Override
  public void crossEntropy(
      Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    if (logits.dtype() == DType.FLOAT64) {
      reference.crossEntropy(logits, labels, ignoreIndex, loss, gradLogits);
      return;
    }
    float[] z = logits.floats();
    int[] t = labels.ints();
    float[] g = gradLogits == null ? null : gradLogits.floats();
    int classes = logits.dim(-1);
    int rows = logits.rows();
    long counted = count(t, rows, ignoreIndex);
    float scale = counted == 0 ? 0f : (float) (1.0 / counted);
    double[] partial = new double[(rows + BLOCK - 1) / BLOCK];
    Parallel.forBlocks(
        rows,
        BLOCK,
        (from, to) ->
            partial[from / BLOCK] =
                classes == 2
                    ? TwoClassLoss.crossEntropy(z, t, ignoreIndex, scale, g, from, to)
                    : crossEntropyRows(z, t, classes, ignoreIndex, scale, g, from, to));
    double sum = 0;
    for (double p : partial) {
      sum += p;
    }
    loss.floats()[0] = counted == 0 ? 0f : (float) (sum / counted);
  }

  private static long count(int[] labels, int n, int ignoreIndex) {
    int[] partial = new int[(n + BLOCK - 1) / BLOCK];
    Parallel.forBlocks(
        n,
        BLOCK,
        (from, to) -> {
          int counted = 0;
          for (int i = from; i < to; i++) {
            counted += labels[i] != ignoreIndex ? 1 : 0;
          }
          partial[from / BLOCK] = counted;
        });
    long sum = 0;
    for (int p : partial) {
      sum += p;
    }
    return sum;
  }

  /** Softmax of the row at {@code at} into p; returns the log of the sum of exponentials. */
  static double softmax(float[] z, int at, int classes, double[] p) {
    double max = z[at];
    for (int k = 1; k < classes; k++) {
      max = Math.max(max, z[at + k]);
    }
    double sum = 0;
    for (int k = 0; k < classes; k++) {
      p[k] = Math.exp(z[at + k] - max);
      sum += p[k];
    }
    for (int k = 0; k < classes; k++) {
      p[k] /= sum;
    }
    return max + Math.log(sum);
  }

  private static double crossEntropyRows(
      float[] z,
      int[] labels,
      int classes,
      int ignoreIndex,
      float scale,
      float[] g,
      int from,
      int to) {
    double[] p = new double[classes];
    double loss = 0;
    for (int i = from; i < to; i++) {
      int at = i * classes;
      int label = labels[i];
      if (label == ignoreIndex) {
        if (g != null) {
          Arrays.fill(g, at, at + classes, 0f);
        }
        continue;
      }
      loss += softmax(z, at, classes, p) - z[at + label];
      if (g != null) {
        for (int k = 0; k < classes; k++) {
          g[at + k] = (float) ((p[k] - (k == label ? 1 : 0)) * scale);
        }
      }
    }
    return loss;
  }

  @Override
  public void focal(
      Tensor logits,
      Tensor labels,
      int ignoreIndex,
      float[] weights,
      double gamma,
      Tensor loss,
      Tensor gradLogits) {
    if (logits.dtype() == DType.FLOAT64) {
      reference.focal(logits, labels, ignoreIndex, weights, gamma, loss, gradLogits);
      return;
    }
    new FocalLoss(logits, labels, ignoreIndex, weights, gamma).compute(loss, gradLogits);
  }

  @Override
  public void dice(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    if (logits.dtype() == DType.FLOAT64) {
      reference.dice(logits, labels, ignoreIndex, loss, gradLogits);
      return;
    }
    float[] z = logits.floats();
    int[] t = labels.ints();
    int classes = logits.dim(-1);
    int batch = logits.dim(0);
    int pixels = logits.rows() / batch;
    double[] sums = overlaps(z, t, ignoreIndex, classes, batch, pixels);
    int pairs = batch * classes;
    double sum = 0;
    // d loss / d p of a pixel whose label is the class, and of another.
    double[] slopes = new double[2 * pairs];
    for (int i = 0; i < pairs; i++) {
      double twice = 2 * sums[2 * i] + 1;
      // Σp + Σt is the union and the intersection.
      double below = sums[2 * i + 1] + sums[2 * i] + 1;
      // 1 − twice / below, with its digits.
      sum += (sums[2 * i + 1] - sums[2 * i]) / below;
      slopes[2 * i + 1] = twice / (below * below) / pairs;
      slopes[2 * i] = slopes[2 * i + 1] - 2 / below / pairs;
    }
    loss.floats()[0] = (float) (sum / pairs);
    if (gradLogits != null) {
      overlapGradient(z, t, ignoreIndex, classes, batch, pixels, slopes, gradLogits.floats());
    }
  }

  @Override
  public void mmIou(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    if (logits.dtype() == DType.FLOAT64) {
      reference.mmIou(logits, labels, ignoreIndex, loss, gradLogits);
      return;
    }
    float[] z = logits.floats();
    int[] t = labels.ints();
    int classes = logits.dim(-1);
    int batch = logits.dim(0);
    int pixels = logits.rows() / batch;
    double[] sums = overlaps(z, t, ignoreIndex, classes, batch, pixels);
    int pairs = batch * classes;
    double min = Double.POSITIVE_INFINITY;
    double mean = 0;
    int ties = 0;
    for (int i = 0; i < pairs; i++) {
      double iou = iou(sums, i);
      mean += iou / pairs;
      ties = iou < min ? 1 : iou == min ? ties + 1 : ties;
      min = Math.min(min, iou);
    }
    loss.floats()[0] = (float) (-min - mean);
    if (gradLogits == null) {
      return;
    }
    // d loss / d intersection and d loss / d union of every sample and class; equal minima share.
    double[] slopes = new double[2 * pairs];
    for (int i = 0; i < pairs; i++) {
      double union = sums[2 * i + 1] + IOU_EPSILON;
      double slope = -1.0 / pairs - (iou(sums, i) == min ? 1.0 / ties : 0);
      slopes[2 * i] = slope / union;
      slopes[2 * i + 1] = -slope * sums[2 * i] / (union * union);
    }
    overlapGradient(z, t, ignoreIndex, classes, batch, pixels, slopes, gradLogits.floats());
  }

  private static void overlapGradient(
      float[] z,
      int[] t,
      int ignoreIndex,
      int classes,
      int batch,
      int pixels,
      double[] slopes,
      float[] g) {
    int blocks = (pixels + BLOCK - 1) / BLOCK;
    Parallel.forEach(
        batch * blocks,
        task -> {
          int sample = task / blocks;
          int from = sample * pixels + task % blocks * BLOCK;
          int to = Math.min((sample + 1) * pixels, from + BLOCK);
          overlapGradient(z, t, ignoreIndex, classes, slopes, sample * 2 * classes, g, from, to);
        });
  }

  private static double iou(double[] sums, int pair) {
    return sums[2 * pair] / (sums[2 * pair + 1] + IOU_EPSILON);
  }

  /** Intersection and union of every sample and class: element 2·(n·classes + c) and the next. */
  private static double[] overlaps(
      float[] z, int[] labels, int ignoreIndex, int classes, int batch, int pixels) {
    int blocks = (pixels + BLOCK - 1) / BLOCK;
    double[] partial = new double[batch * blocks * 2 * classes];
    Parallel.forEach(
        batch * blocks,
        task -> {
          int sample = task / blocks;
          int from = sample * pixels + task % blocks * BLOCK;
          int to = Math.min((sample + 1) * pixels, from + BLOCK);
          double[] p = new double[classes];
          for (int i = from; i < to; i++) {
            if (labels[i] == ignoreIndex) {
              continue;
            }
            softmax(z, i * classes, classes, p);
            for (int k = 0; k < classes; k++) {
              int at = (task * classes + k) * 2;
              partial[at] += labels[i] == k ? p[k] : 0;
              partial[at + 1] += labels[i] == k ? 1 : p[k];
            }
          }
        });
    double[] sums = new double[batch * 2 * classes];
    for (int task = 0; task < batch * blocks; task++) {
      for (int k = 0; k < 2 * classes; k++) {
        sums[task / blocks * 2 * classes + k] += partial[task * 2 * classes + k];
      }
    }
    return sums;
  }

  private static void overlapGradient(
      float[] z,
      int[] labels,
      int ignoreIndex,
      int classes,
      double[] slopes,
      int slopesAt,
      float[] g,
      int from,
      int to) {
    double[] p = new double[classes];
    for (int i = from; i < to; i++) {
      int at = i * classes;
      if (labels[i] == ignoreIndex) {
        Arrays.fill(g, at, at + classes, 0f);
        continue;
      }
      softmax(z, at, classes, p);
      double dot = 0;
      for (int k = 0; k < classes; k++) {
        dot += p[k] * slopes[slopesAt + 2 * k + (labels[i] == k ? 0 : 1)];
      }
      for (int k = 0; k < classes; k++) {
        double slope = slopes[slopesAt + 2 * k + (labels[i] == k ? 0 : 1)];
        g[at + k] = (float) (p[k] * (slope - dot));
      }
    }
  }

  @Override
  public void argmax(Tensor logits, Tensor out) {
    if (logits.dtype() == DType.FLOAT64) {
      reference.argmax(logits, out);
      return;
    }
    float[] z = logits.floats();
    int[] best = out.ints();
    int classes = logits.dim(-1);
    Parallel.forBlocks(
        logits.rows(),
        BLOCK,
        (from, to) -> {
          for (int i = from; i < to; i++) {
            int at = i * classes;
            int index = 0;
            for (int k = 1; k < classes; k++) {
              index = z[at + k] > z[at + index] ? k : index;
            }
            best[i] = index;
          }
        });
  }
}
