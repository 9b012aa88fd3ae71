package dev.changenet.image;

/**
 * Blurs a picture with Pillow's approximation of a Gaussian: three box blurs of fractional radius
 * along the rows, then three along the columns.
 *
 * <p>Source: Gwosdek, Grewenig, Bruhn, Weickert, "Theoretical foundations of Gaussian convolution
 * by extended box filtering" (SSVM 2011), formulas 7, 11 and 14; the roundings are Pillow's.
 */
public final class GaussianBlur {
  private static final int PASSES = 3;

  private GaussianBlur() {}

  /**
   * Returns the blurred picture.
   *
   * @param radius standard deviation in pixels, at least 0
   */
  public static RgbImage apply(RgbImage image, double radius) {
    if (!(radius >= 0)) {
      throw new IllegalArgumentException("gaussian blur: radius must be at least 0, got " + radius);
    }
    float box = boxRadius((float) radius);
    if (box == 0) {
      return image;
    }
    int width = image.width();
    int height = image.height();
    byte[] pixels = image.pixels().clone();
    byte[] line = new byte[Math.max(width, height)];
    byte[] blurred = new byte[line.length];
    int stride = width * RgbImage.CHANNELS;
    for (int c = 0; c < RgbImage.CHANNELS; c++) {
      for (int y = 0; y < height; y++) {
        blurLine(pixels, y * stride + c, RgbImage.CHANNELS, width, box, line, blurred);
      }
    }
    for (int i = 0; i < stride; i++) {
      blurLine(pixels, i, stride, height, box, line, blurred);
    }
    return new RgbImage(width, height, pixels);
  }

  /** Radius, in pixels, of the box whose three-fold application has the wanted deviation. */
  private static float boxRadius(float radius) {
    // Single precision as in Pillow: the weights below depend on its last bits.
    float variance = radius * radius / PASSES;
    float length = (float) Math.sqrt(12.0 * variance + 1.0);
    float whole = (float) Math.floor((length - 1.0) / 2.0);
    float fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
    fraction /= 6 * (variance - (whole + 1) * (whole + 1));
    return whole + fraction;
  }

  private static void blurLine(
      byte[] pixels, int start, int step, int length, float box, byte[] line, byte[] blurred) {
    for (int i = 0, p = start; i < length; i++, p += step) {
      line[i] = pixels[p];
    }
    byte[] from = line;
    byte[] to = blurred;
    for (int pass = 0; pass < PASSES; pass++) {
      boxBlur(from, to, length, box);
      byte[] t = from;
      from = to;
      to = t;
    }
    for (int i = 0, p = start; i < length; i++, p += step) {
      pixels[p] = from[i];
    }
  }

  private static void boxBlur(byte[] in, byte[] out, int length, float box) {
    int radius = (int) box;
    long weight = (long) ((1 << 24) / (box * 2 + 1));
    long edgeWeight = ((1 << 24) - (radius * 2 + 1) * weight) / 2;
    int last = length - 1;
    long inner = 0;
    for (int k = -radius; k <= radius; k++) {
      inner += in[Math.clamp(k, 0, last)] & 0xFF;
    }
    for (int i = 0; i < length; i++) {
      int before = in[Math.max(i - radius - 1, 0)] & 0xFF;
      int after = in[Math.min(i + radius + 1, last)] & 0xFF;
      out[i] = (byte) ((inner * weight + (before + after) * edgeWeight + (1 << 23)) >> 24);
      inner += after - (in[Math.max(i - radius, 0)] & 0xFF);
    }
  }
}
