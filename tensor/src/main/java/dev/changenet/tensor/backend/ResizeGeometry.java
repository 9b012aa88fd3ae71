package dev.changenet.tensor.backend;

/**
 * How output pixels map to input pixels.
 *
 * @param mode filter
 * @param alignCorners corner-aligned coordinates instead of half-pixel ones (not for nearest)
 * @param scaleH input rows per output row for half-pixel and nearest coordinates: 1/factor when a
 *     scale factor was given, in/out when a size was
 * @param scaleW the same for columns
 */
public record ResizeGeometry(Mode mode, boolean alignCorners, double scaleH, double scaleW) {
  /** Filters. */
  public enum Mode {
    BILINEAR,
    NEAREST,
    /**
     * Cubic convolution with a = −0.75 over 4 taps per axis, no antialiasing; coordinates aren't
     * clamped, taps outside repeat the border.
     */
    BICUBIC
  }
}
