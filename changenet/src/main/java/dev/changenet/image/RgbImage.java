package dev.changenet.image;

/**
 * An 8-bit colour picture. Operations never change a picture; they return a new one.
 *
 * @param width pixels per row
 * @param height rows
 * @param pixels {@code height · width · 3} bytes, row by row, channels R, G, B interleaved; not
 *     copied, so nobody may write to it once the picture is shared
 */
public record RgbImage(int width, int height, byte[] pixels) {
  /** Number of channels. */
  public static final int CHANNELS = 3;

  public RgbImage {
    Dimensions.check("RgbImage", width, height, CHANNELS, pixels.length);
  }

  /** Returns a black picture. */
  public static RgbImage black(int width, int height) {
    return new RgbImage(width, height, new byte[Dimensions.bytes(width, height, CHANNELS)]);
  }

  /** Returns channel {@code c} (0 red, 1 green, 2 blue) of the pixel in column x, row y: 0–255. */
  public int get(int x, int y, int c) {
    return pixels[(y * width + x) * CHANNELS + c] & 0xFF;
  }
}
