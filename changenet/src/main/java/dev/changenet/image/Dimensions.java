package dev.changenet.image;

/** The one place that checks picture sizes given by callers. */
final class Dimensions {
  private Dimensions() {}

  static void check(String what, int width, int height, int channels, int length) {
    if (bytes(width, height, channels) != length) {
      throw new IllegalArgumentException(
          what
              + ": "
              + width
              + "x"
              + height
              + " pixels with "
              + channels
              + (channels == 1 ? " channel needs " : " channels need ")
              + (long) width * height * channels
              + " bytes, got "
              + length);
    }
  }

  static int bytes(int width, int height, int channels) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "picture size must be at least 1x1, got " + width + "x" + height);
    }
    return Math.multiplyExact(Math.multiplyExact(width, height), channels);
  }
}
