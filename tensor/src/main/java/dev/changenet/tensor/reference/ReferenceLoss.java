package dev.changenet.tensor.reference;

import dev.changenet.tensor.Tensor;
import dev.changenet.tensor.backend.Loss;
import java.util.Arrays;

/** Cross-entropy, min-max IoU and argmax, row by row. */
public final class ReferenceLoss implements Loss {
  private static final double IOU_EPS = 1e-8;

  @Override
  public void crossEntropy(
      Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    double[] x = Doubles.of(logits);
    int k = logits.dim(-1);
    int rows = x.length / k;
    double[] p = new double[x.length];
    double sum = 0;
    long counted = 0;
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      double lse = Softmax.forward(x, r * k, 1, k, p);
      if (label != ignoreIndex) {
        sum += lse - x[r * k + label];
        counted++;
      }
    }
    Doubles.write(new double[] {counted == 0 ? 0 : sum / counted}, loss);
    if (gradLogits != null) {
      double[] g = new double[x.length];
      for (int r = 0; r < rows; r++) {
        int label = label(labels, r, k, ignoreIndex);
        for (int c = 0; c < k && label != ignoreIndex; c++) {
          g[r * k + c] = (p[r * k + c] - (c == label ? 1 : 0)) / counted;
        }
      }
      Doubles.write(g, gradLogits);
    }
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
    double[] x = Doubles.of(logits);
    int k = logits.dim(-1);
    int rows = x.length / k;
    double[] p = new double[x.length];
    double[] g = new double[x.length];
    double sum = 0;
    double total = 0;
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      double lse = Softmax.forward(x, r * k, 1, k, p);
      if (label == ignoreIndex) {
        continue;
      }
      double w = weights == null ? 1 : weights[label];
      double nll = lse - x[r * k + label];
      // Not 1 − p: that has no digits left when p is close to 1.
      double others = 0;
      for (int c = 0; c < k; c++) {
        others += c == label ? 0 : p[r * k + c];
      }
      double exact = others < 0.5 ? -Math.log1p(-others) : nll;
      total += w;
      sum += w * Math.pow(others, gamma) * nll;
      double slope = 1;
      if (gamma > 0) {
        slope =
            others == 0
                ? 0
                : Math.pow(others, gamma) * (1 + gamma * p[r * k + label] * exact / others);
      }
      for (int c = 0; c < k; c++) {
        g[r * k + c] = w * slope * (c == label ? -others : p[r * k + c]);
      }
    }
    Doubles.write(new double[] {total == 0 ? 0 : sum / total}, loss);
    if (gradLogits != null) {
      for (int i = 0; i < g.length; i++) {
        g[i] = total == 0 ? 0 : g[i] / total;
      }
      Doubles.write(g, gradLogits);
    }
  }

  @Override
  public void dice(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    double[] x = Doubles.of(logits);
    int k = logits.dim(-1);
    int rows = x.length / k;
    int samples = logits.dim(0);
    int rowsPerSample = rows / samples;
    double[] p = new double[x.length];
    double[] both = new double[samples * k];
    double[] sizes = new double[samples * k];
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      Softmax.forward(x, r * k, 1, k, p);
      for (int c = 0; c < k && label != ignoreIndex; c++) {
        int cell = r / rowsPerSample * k + c;
        both[cell] += c == label ? p[r * k + c] : 0;
        sizes[cell] += p[r * k + c] + (c == label ? 1 : 0);
      }
    }
    double sum = 0;
    for (int i = 0; i < both.length; i++) {
      sum += (2 * both[i] + 1) / (sizes[i] + 1);
    }
    Doubles.write(new double[] {1 - sum / both.length}, loss);
    if (gradLogits == null) {
      return;
    }
    double[] g = new double[x.length];
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      if (label == ignoreIndex) {
        continue;
      }
      for (int c = 0; c < k; c++) {
        int cell = r / rowsPerSample * k + c;
        double below = sizes[cell] + 1;
        g[r * k + c] =
            -((c == label ? 2 : 0) / below - (2 * both[cell] + 1) / (below * below)) / both.length;
      }
      Softmax.backward(p, g, r * k, 1, k, g);
    }
    Doubles.write(g, gradLogits);
  }

  @Override
  public void mmIou(Tensor logits, Tensor labels, int ignoreIndex, Tensor loss, Tensor gradLogits) {
    double[] x = Doubles.of(logits);
    int k = logits.dim(-1);
    int rows = x.length / k;
    int samples = logits.dim(0);
    int rowsPerSample = rows / samples;
    double[] p = new double[x.length];
    double[] inter = new double[samples * k];
    double[] union = new double[samples * k];
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      Softmax.forward(x, r * k, 1, k, p);
      for (int c = 0; c < k && label != ignoreIndex; c++) {
        int cell = r / rowsPerSample * k + c;
        double t = c == label ? 1 : 0;
        inter[cell] += p[r * k + c] * t;
        union[cell] += p[r * k + c] + t - p[r * k + c] * t;
      }
    }
    double mean = 0;
    double[] iou = new double[inter.length];
    for (int i = 0; i < iou.length; i++) {
      iou[i] = inter[i] / (union[i] + IOU_EPS);
      mean += iou[i] / iou.length;
    }
    double worst = Arrays.stream(iou).min().orElseThrow();
    long ties = Arrays.stream(iou).filter(v -> v == worst).count();
    Doubles.write(new double[] {-worst - mean}, loss);
    if (gradLogits == null) {
      return;
    }
    double[] g = new double[x.length];
    for (int r = 0; r < rows; r++) {
      int label = label(labels, r, k, ignoreIndex);
      if (label == ignoreIndex) {
        continue;
      }
      for (int c = 0; c < k; c++) {
        int cell = r / rowsPerSample * k + c;
        double t = c == label ? 1 : 0;
        double u = union[cell] + IOU_EPS;
        double gradIou = -1.0 / iou.length - (iou[cell] == worst ? 1.0 / ties : 0);
        g[r * k + c] = gradIou * (t / u - inter[cell] * (1 - t) / (u * u));
      }
      Softmax.backward(p, g, r * k, 1, k, g);
    }
    Doubles.write(g, gradLogits);
  }

  private static int label(Tensor labels, int row, int classes, int ignoreIndex) {
    int label = labels.ints()[row];
    if (label != ignoreIndex && (label < 0 || label >= classes)) {
      throw new IllegalArgumentException(
          "label "
              + label
              + " at row "
              + row
              + ": expected 0 to "
              + (classes - 1)
              + " or "
              + ignoreIndex
              + " (ignored)");
    }
    return label;
  }

  @Override
  public void argmax(Tensor logits, Tensor out) {
    double[] x = Doubles.of(logits);
    int k = logits.dim(-1);
    double[] index = new double[x.length / k];
    for (int r = 0; r < index.length; r++) {
      int best = 0;
      for (int c = 1; c < k; c++) {
        best = x[r * k + c] > x[r * k + best] ? c : best;
      }
      index[r] = best;
    }
    Doubles.write(index, out);
  }
}
