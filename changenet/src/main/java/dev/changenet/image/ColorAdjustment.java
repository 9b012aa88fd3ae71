package dev.changenet.image;

/**
 * The four colour operations of colour jitter on 8-bit RGB.
 *
 * <p>Source: torchvision's {@code adjust_brightness}, {@code adjust_contrast}, {@code
 * adjust_saturation} and {@code adjust_hue} on Pillow pictures, bit for bit.
 */
public enum ColorAdjustment {
  /** Blends with black; factor 1 keeps the picture, 0 makes it black. */
  BRIGHTNESS {
    @Override
    public RgbImage apply(RgbImage image, double factor) {
      checkFactor(factor);
      byte[] in = image.pixels();
      byte[] out = new byte[in.length];
      for (int i = 0; i < in.length; i++) {
        out[i] = blend(0, in[i] & 0xFF, (float) factor);
      }
      return new RgbImage(image.width(), image.height(), out);
    }
  },
  /** Blends with the rounded mean luma of the whole picture; factor 1 keeps the picture. */
  CONTRAST {
    @Override
    public RgbImage apply(RgbImage image, double factor) {
      checkFactor(factor);
      byte[] in = image.pixels();
      long sum = 0;
      for (int i = 0; i < in.length; i += RgbImage.CHANNELS) {
        sum += luma(in, i);
      }
      int mean = (int) ((double) sum / (in.length / RgbImage.CHANNELS) + 0.5);
      byte[] out = new byte[in.length];
      for (int i = 0; i < in.length; i++) {
        out[i] = blend(mean, in[i] & 0xFF, (float) factor);
      }
      return new RgbImage(image.width(), image.height(), out);
    }
  },
  /** Blends each pixel with its own luma; factor 1 keeps the picture, 0 makes it grey. */
  SATURATION {
    @Override
    public RgbImage apply(RgbImage image, double factor) {
      checkFactor(factor);
      byte[] in = image.pixels();
      byte[] out = new byte[in.length];
      for (int i = 0; i < in.length; i += RgbImage.CHANNELS) {
        int grey = luma(in, i);
        for (int c = 0; c < RgbImage.CHANNELS; c++) {
          out[i + c] = blend(grey, in[i + c] & 0xFF, (float) factor);
        }
      }
      return new RgbImage(image.width(), image.height(), out);
    }
  },
  /** Turns the hue circle by {@code factor} of a full turn, −0.5 … 0.5, in 8-bit HSV. */
  HUE {
    @Override
    public RgbImage apply(RgbImage image, double factor) {
      if (!(factor >= -0.5 && factor <= 0.5)) {
        throw new IllegalArgumentException("hue: factor must be within -0.5…0.5, got " + factor);
      }
      byte[] in = image.pixels();
      byte[] out = new byte[in.length];
      int shift = (int) (factor * 255);
      for (int i = 0; i < in.length; i += RgbImage.CHANNELS) {
        Hsv.shiftHue(in, i, out, shift);
      }
      return new RgbImage(image.width(), image.height(), out);
    }
  };

  /**
   * Returns the adjusted picture.
   *
   * @param factor at least 0, where 1 changes nothing; for {@link #HUE} −0.5 … 0.5, where 0 changes
   *     nothing beyond the rounding to 8-bit HSV and back
   */
  public abstract RgbImage apply(RgbImage image, double factor);

  private static void checkFactor(double factor) {
    if (!(factor >= 0)) {
      throw new IllegalArgumentException("color: factor must be at least 0, got " + factor);
    }
  }

  private static int luma(byte[] p, int i) {
    return (19595 * (p[i] & 0xFF) + 38470 * (p[i + 1] & 0xFF) + 7471 * (p[i + 2] & 0xFF) + 32768)
        >> 16;
  }

  /** {@code from + factor · (to − from)} in single precision, clamped, truncated. */
  private static byte blend(int from, int to, float factor) {
    float v = from + factor * (to - from);
    return (byte) (v <= 0 ? 0 : v >= 255 ? 255 : (int) v);
  }
}
