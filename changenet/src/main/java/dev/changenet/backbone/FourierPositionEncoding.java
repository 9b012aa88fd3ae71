package dev.changenet.backbone;

import dev.changenet.autograd.Variable;
import dev.changenet.nn.Linear;
import dev.changenet.nn.Module;
import dev.changenet.nn.init.Initializer;
import dev.changenet.tensor.Device;
import dev.changenet.tensor.Tensor;

/** Sine and cosine position table of 64 channels, projected to the token width. */
final class FourierPositionEncoding extends Module {
  private static final int HIDDEN = FanBackbone.POSITION_CHANNELS;
  private static final double TEMPERATURE = FanBackbone.POSITION_TEMPERATURE;
  private static final double EPS = FanBackbone.POSITION_EPS;

  private final Linear projection;

  private Tensor table;

  FourierPositionEncoding(Device device, int width) {
    super(device);
    Initializer init = Initializer.fanIn(2 * HIDDEN);
    projection = child("token_projection", Linear.conv1x1(device, 2 * HIDDEN, width, init, init));
  }

  /** The encoding of a grid, [1, height, width, C]. */
  Variable encode(int height, int width) {
    return run(() -> projection.call(new Variable(cached(height, width))));
  }

  /** The table on the device; the last one is kept, since runs have one image size. */
  private Tensor cached(int height, int width) {
    if (table == null || table.dim(1) != height || table.dim(2) != width) {
      closeTable();
      try (Tensor onCpu = table(height, width).detached()) {
        table = onCpu.to(device()).detached();
      }
    }
    return table;
  }

  private void closeTable() {
    if (table != null) {
      table.close();
      table = null;
    }
  }

  @Override
  public void close() {
    closeTable();
    super.close();
  }

  /** Channels 0–31 encode y, 32–63 x; even channels are sines, odd ones cosines. */
  private static Tensor table(int height, int width) {
    float[] e = new float[height * width * 2 * HIDDEN];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * 2 * HIDDEN;
        for (int k = 0; k < HIDDEN / 2; k++) {
          double w = Math.pow(TEMPERATURE, 2.0 * k / HIDDEN);
          double py = (y + 1) / (height + EPS) * 2 * Math.PI / w;
          double px = (x + 1) / (width + EPS) * 2 * Math.PI / w;
          e[at + 2 * k] = (float) Math.sin(py);
          e[at + 2 * k + 1] = (float) Math.cos(py);
          e[at + HIDDEN + 2 * k] = (float) Math.sin(px);
          e[at + HIDDEN + 2 * k + 1] = (float) Math.cos(px);
        }
      }
    }
    return Tensor.of(e, 1, height, width, 2 * HIDDEN);
  }
}
