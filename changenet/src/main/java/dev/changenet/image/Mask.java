package dev.changenet.image;

/**
 * One 8-bit value per pixel: class ids, or the raw values of a mask file.
 *
 * @param width pixels per row
 * @param height rows
 * @param values {@code height · width} bytes, row by row; not copied, so nobody may write to it
 *     once the mask is shared
 */
public record Mask(int width, int height, byte[] values) {
  public Mask {
    Dimensions.check("Mask", width, height, 1, values.length);
  }

  /** Returns the value in column x, row y: 0–255. */
  public int get(int x, int y) {
    return values[y * width + x] & 0xFF;
  }
}
