package dev.changenet.check;

import dev.changenet.image.RgbImage;

/**
 * Grey levels 0 to 255.
 *
 * @param values {@code height · width}, row by row
 * @param scale pixels of the picture along a side of each of these
 */
record GreyImage(int width, int height, float[] values, int scale) {
  /** Side above which a picture is made smaller at once: more detail tells nothing more here. */
  private static final int MOST = 2048;

  /** Returns the grey levels of a picture, of a large one those of squares of pixels. */
  static GreyImage of(RgbImage image) {
    int scale = Math.ceilDiv(Math.max(image.width(), image.height()), MOST);
    int w = Math.max(1, image.width() / scale);
    int h = Math.max(1, image.height() / scale);
    byte[] p = image.pixels();
    float[] grey = new float[w * h];
    float share = 1f / (scale * scale);
    for (int y = 0; y < Math.min(h * scale, image.height()); y++) {
      int i = y * image.width() * RgbImage.CHANNELS;
      int row = y / scale * w;
      for (int x = 0; x < Math.min(w * scale, image.width()); x++, i += RgbImage.CHANNELS) {
        // Luma of ITU-R BT.601.
        grey[row + x / scale] +=
            share
                * (0.299f * (p[i] & 0xFF)
                    + 0.587f * (p[i + 1] & 0xFF)
                    + 0.114f * (p[i + 2] & 0xFF));
      }
    }
    return new GreyImage(w, h, grey, scale);
  }

  /** Returns a copy of another size: means over what each pixel covers, in whole pixels. */
  GreyImage resized(int w, int h) {
    if (w == width && h == height) {
      return this;
    }
    float[] out = new float[w * h];
    for (int y = 0; y < h; y++) {
      int y0 = (int) ((long) y * height / h);
      int y1 = Math.max(y0 + 1, (int) ((y + 1L) * height / h));
      for (int x = 0; x < w; x++) {
        int x0 = (int) ((long) x * width / w);
        int x1 = Math.max(x0 + 1, (int) ((x + 1L) * width / w));
        float sum = 0;
        for (int yy = y0; yy < y1; yy++) {
          for (int xx = x0; xx < x1; xx++) {
            sum += values[yy * width + xx];
          }
        }
        out[y * w + x] = sum / ((y1 - y0) * (x1 - x0));
      }
    }
    return new GreyImage(w, h, out, scale);
  }

  /** Returns what is left of each pixel without the mean of the 5×5 pixels around it. */
  GreyImage details() {
    int reach = 2;
    float[] out = new float[values.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        float sum = 0;
        int n = 0;
        for (int yy = Math.max(0, y - reach); yy <= Math.min(height - 1, y + reach); yy++) {
          for (int xx = Math.max(0, x - reach); xx <= Math.min(width - 1, x + reach); xx++) {
            sum += values[yy * width + xx];
            n++;
          }
        }
        out[y * width + x] = values[y * width + x] - sum / n;
      }
    }
    return new GreyImage(width, height, out, scale);
  }

  /** Pearson's correlation with a picture of the same size; 0 when one is flat. */
  double correlation(GreyImage other) {
    double sa = 0;
    double sb = 0;
    for (int i = 0; i < values.length; i++) {
      sa += values[i];
      sb += other.values[i];
    }
    double ma = sa / values.length;
    double mb = sb / values.length;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < values.length; i++) {
      double a = values[i] - ma;
      double b = other.values[i] - mb;
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
  }
}
