package dev.changenet.tensor.cpu;

import dev.changenet.tensor.Tensor;
import java.util.Arrays;

/** Cross-entropy with class weights and focal factor over float32 logits, in blocks of rows. */
final class FocalLoss {
  private final float[] z;
  private final int[] labels;
  private final int classes;
  private final int rows;
  private final int ignoreIndex;
  private final float[] weights;
  private final double gamma;

  FocalLoss(Tensor logits, Tensor labels, int ignoreIndex, float[] weights, double gamma) {
    this.z = logits.floats();
    this.labels = labels.ints();
    this.classes = logits.dim(-1);
    this.rows = logits.rows();
    this.ignoreIndex = ignoreIndex;
    this.weights = weights;
    this.gamma = gamma;
  }

  /**
   * @param gradLogits may be null
   */
  void compute(Tensor loss, Tensor gradLogits) {
    double total = sum(this::weights);
    double scale = total == 0 ? 0 : 1 / total;
    float[] g = gradLogits == null ? null : gradLogits.floats();
    loss.floats()[0] = (float) (sum((from, to) -> losses(from, to, scale, g)) * scale);
  }

  private interface Block {
    double sum(int from, int to);
  }

  private double sum(Block block) {
    double[] partial = new double[(rows + CpuLoss.BLOCK - 1) / CpuLoss.BLOCK];
    Parallel.forBlocks(
        rows, CpuLoss.BLOCK, (from, to) -> partial[from / CpuLoss.BLOCK] = block.sum(from, to));
    double sum = 0;
    for (double p : partial) {
      sum += p;
    }
    return sum;
  }

  private double weight(int label) {
    return weights == null ? 1 : weights[label];
  }

  private double weights(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += labels[i] == ignoreIndex ? 0 : weight(labels[i]);
    }
    return sum;
  }

  private double losses(int from, int to, double scale, float[] g) {
    double[] p = new double[classes];
    double sum = 0;
    for (int i = from; i < to; i++) {
      int at = i * classes;
      int label = labels[i];
      if (label == ignoreIndex) {
        if (g != null) {
          Arrays.fill(g, at, at + classes, 0f);
        }
        continue;
      }
      double nll = CpuLoss.softmax(z, at, classes, p) - z[at + label];
      // Not 1 − p: that has no digits left when p is close to 1.
      double others = 0;
      for (int k = 0; k < classes; k++) {
        others += k == label ? 0 : p[k];
      }
      double factor = gamma == 0 ? 1 : Math.pow(others, gamma);
      sum += weight(label) * factor * nll;
      if (g != null) {
        double slope = weight(label) * scale * factor;
        if (gamma > 0) {
          double exact = others < 0.5 ? -Math.log1p(-others) : nll;
          slope *= others == 0 ? 0 : 1 + gamma * p[label] * exact / others;
        }
        for (int k = 0; k < classes; k++) {
          g[at + k] = (float) (slope * (k == label ? -others : p[k]));
        }
      }
    }
    return sum;
  }
}
