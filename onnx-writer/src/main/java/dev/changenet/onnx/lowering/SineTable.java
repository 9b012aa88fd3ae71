package dev.changenet.onnx.lowering;

import dev.changenet.tensor.Tensor;

/**
 * A table of positions [1, h, w, 2·channels]: channels of y, then of x; sines and cosines in turn
 * of 2π · (i + 1) / (n + eps) / temperature^(2k/channels) for row or column i of n.
 *
 * @param channels channels of one axis
 */
public record SineTable(int channels, double temperature, double eps) {
  private static final double LIMIT = 1e-6;

  /** Factor of the relative position (i + 1) / (n + eps) in each channel of an axis. */
  float[] frequencies() {
    float[] f = new float[channels];
    for (int k = 0; k < channels; k++) {
      f[k] = (float) frequency(k);
    }
    return f;
  }

  private double frequency(int k) {
    return 2 * Math.PI / Math.pow(temperature, (k - k % 2) / (double) channels);
  }

  /** What is added in each channel: a cosine is a sine a quarter turn ahead. */
  float[] phases() {
    float[] p = new float[channels];
    for (int k = 1; k < channels; k += 2) {
      p[k] = (float) (Math.PI / 2);
    }
    return p;
  }

  /** True when {@code t} is this table for its own size. */
  boolean matches(Tensor t) {
    if (t.shape().rank() != 4 || t.dim(0) != 1 || t.dim(3) != 2 * channels) {
      return false;
    }
    int height = t.dim(1);
    int width = t.dim(2);
    float[] values = t.toFloatArray();
    for (int i = 0; i < values.length; i++) {
      int k = i % (2 * channels);
      int pixel = i / (2 * channels);
      double place =
          k < channels ? (pixel / width + 1) / (height + eps) : (pixel % width + 1) / (width + eps);
      double turn = place * frequency(k % channels);
      double expected = k % 2 == 0 ? Math.sin(turn) : Math.cos(turn);
      if (!(Math.abs(values[i] - expected) <= LIMIT)) {
        return false;
      }
    }
    return true;
  }
}
