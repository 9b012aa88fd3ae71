package dev.changenet.tensor.cpu;

import dev.changenet.tensor.backend.ResizeGeometry.Mode;

/**
 * Taps of one axis of a resize: output d reads inputs {@code low[d]} and {@code high[d]} with
 * weights {@code 1 − fraction[d]} and {@code fraction[d]}.
 *
 * <p>The transposed table lists for every input the outputs that read it: {@code start[i]} … {@code
 * start[i + 1] − 1} index {@code output} and {@code weight}, in ascending order of outputs.
 */
final class ResizeAxis {
  final int inputs;
  final int outputs;
  final int[] low;
  final int[] high;
  final float[] fraction;
  final int[] start;
  final int[] output;
  final float[] weight;

  ResizeAxis(int inputs, int outputs, Mode mode, boolean alignCorners, double scale) {
    this.inputs = inputs;
    this.outputs = outputs;
    low = new int[outputs];
    high = new int[outputs];
    fraction = new float[outputs];
    for (int d = 0; d < outputs; d++) {
      double at = source(d, mode, alignCorners, scale);
      low[d] = Math.min((int) Math.floor(at), inputs - 1);
      high[d] = mode == Mode.NEAREST ? low[d] : Math.min(low[d] + 1, inputs - 1);
      fraction[d] = mode == Mode.NEAREST ? 0f : (float) (at - low[d]);
    }
    start = new int[inputs + 1];
    for (int d = 0; d < outputs; d++) {
      start[low[d] + 1]++;
      if (high[d] != low[d]) {
        start[high[d] + 1]++;
      }
    }
    for (int i = 0; i < inputs; i++) {
      start[i + 1] += start[i];
    }
    output = new int[start[inputs]];
    weight = new float[start[inputs]];
    int[] next = start.clone();
    for (int d = 0; d < outputs; d++) {
      boolean one = high[d] == low[d];
      int k = next[low[d]]++;
      output[k] = d;
      weight[k] = one ? 1f : 1f - fraction[d];
      if (!one) {
        k = next[high[d]]++;
        output[k] = d;
        weight[k] = fraction[d];
      }
    }
  }

  private double source(int d, Mode mode, boolean alignCorners, double scale) {
    if (mode == Mode.NEAREST) {
      return d * scale;
    }
    if (alignCorners) {
      return outputs == 1 ? 0 : d * (inputs - 1.0) / (outputs - 1.0);
    }
    return Math.max(0, (d + 0.5) * scale - 0.5);
  }
}
