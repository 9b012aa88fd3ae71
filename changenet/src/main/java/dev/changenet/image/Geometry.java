package dev.changenet.image;

import java.util.Arrays;

/**
 * Moves pixels without changing their values: flips, rotations about the centre, cuts and pastes.
 * Pictures and masks move alike.
 */
public final class Geometry {
  private Geometry() {}

  /** Returns the picture mirrored left to right. */
  public static RgbImage flipLeftRight(RgbImage image) {
    return image(image, flipLeftRight(plane(image)));
  }

  /** Returns the mask mirrored left to right. */
  public static Mask flipLeftRight(Mask mask) {
    return mask(flipLeftRight(plane(mask)));
  }

  /** Returns the picture mirrored top to bottom. */
  public static RgbImage flipTopBottom(RgbImage image) {
    return image(image, flipTopBottom(plane(image)));
  }

  /** Returns the mask mirrored top to bottom. */
  public static Mask flipTopBottom(Mask mask) {
    return mask(flipTopBottom(plane(mask)));
  }

  /**
   * Returns the picture turned counter-clockwise about its centre on the same canvas, nearest
   * neighbour; uncovered pixels are black. Right angles on a square picture lose nothing.
   *
   * @param degrees any finite angle
   */
  public static RgbImage rotate(RgbImage image, double degrees) {
    return image(image, rotate(plane(image), degrees));
  }

  /** Returns the mask turned like {@link #rotate(RgbImage, double)}; uncovered pixels are 0. */
  public static Mask rotate(Mask mask, double degrees) {
    return mask(rotate(plane(mask), degrees));
  }

  /** Returns the part of the picture whose upper left corner is column left, row top. */
  public static RgbImage crop(RgbImage image, int left, int top, int width, int height) {
    Plane p = cut(plane(image), left, top, width, height);
    return new RgbImage(p.width, p.height, p.bytes);
  }

  /** Returns the part of the mask whose upper left corner is column left, row top. */
  public static Mask crop(Mask mask, int left, int top, int width, int height) {
    return mask(cut(plane(mask), left, top, width, height));
  }

  /** Returns a canvas filled with {@code fill} into which {@code box} of the picture is copied. */
  public static RgbImage paste(RgbImage image, PasteBox box, int width, int height, int fill) {
    Plane p = paste(plane(image), box, width, height, fill);
    return new RgbImage(p.width, p.height, p.bytes);
  }

  /** Returns a canvas filled with {@code fill} into which {@code box} of the mask is copied. */
  public static Mask paste(Mask mask, PasteBox box, int width, int height, int fill) {
    return mask(paste(plane(mask), box, width, height, fill));
  }

  /**
   * A rectangle and where it goes.
   *
   * @param sourceLeft first column read
   * @param sourceTop first row read
   * @param left first column written
   * @param top first row written
   * @param width columns copied
   * @param height rows copied
   */
  public record PasteBox(int sourceLeft, int sourceTop, int left, int top, int width, int height) {}

  /** Bytes with any number of interleaved channels: what pictures and masks have in common. */
  private record Plane(int width, int height, int channels, byte[] bytes) {
    Plane blank() {
      return new Plane(width, height, channels, new byte[bytes.length]);
    }
  }

  private static Plane plane(RgbImage image) {
    return new Plane(image.width(), image.height(), RgbImage.CHANNELS, image.pixels());
  }

  private static Plane plane(Mask mask) {
    return new Plane(mask.width(), mask.height(), 1, mask.values());
  }

  private static RgbImage image(RgbImage like, Plane p) {
    return p.bytes == like.pixels() ? like : new RgbImage(p.width, p.height, p.bytes);
  }

  private static Mask mask(Plane p) {
    return new Mask(p.width, p.height, p.bytes);
  }

  private static Plane flipLeftRight(Plane in) {
    Plane out = in.blank();
    for (int y = 0; y < in.height; y++) {
      for (int x = 0; x < in.width; x++) {
        copyPixel(in, x, y, out, in.width - 1 - x, y);
      }
    }
    return out;
  }

  private static Plane flipTopBottom(Plane in) {
    Plane out = in.blank();
    int stride = in.width * in.channels;
    for (int y = 0; y < in.height; y++) {
      System.arraycopy(in.bytes, y * stride, out.bytes, (in.height - 1 - y) * stride, stride);
    }
    return out;
  }

  private static Plane rotate(Plane in, double degrees) {
    if (!Double.isFinite(degrees)) {
      throw new IllegalArgumentException("rotate: the angle must be finite, got " + degrees);
    }
    double angle = degrees % 360.0;
    if (angle < 0) {
      angle += 360.0;
    }
    if (angle == 0) {
      return in;
    }
    boolean square = in.width == in.height;
    if (angle == 180 || (square && (angle == 90 || angle == 270))) {
      return turn(in, (int) angle);
    }
    return rotateAffine(in, angle);
  }

  private static Plane turn(Plane in, int angle) {
    Plane out = in.blank();
    int right = in.width - 1;
    int bottom = in.height - 1;
    for (int y = 0; y < in.height; y++) {
      for (int x = 0; x < in.width; x++) {
        switch (angle) {
          case 90 -> copyPixel(in, x, y, out, y, right - x);
          case 180 -> copyPixel(in, x, y, out, right - x, bottom - y);
          default -> copyPixel(in, x, y, out, bottom - y, x);
        }
      }
    }
    return out;
  }

  /** Source: Pillow's nearest affine transform in 16.16 fixed point. */
  private static Plane rotateAffine(Plane in, double angle) {
    double radians = -StrictMath.toRadians(angle);
    double cos = round15(StrictMath.cos(radians));
    double sin = round15(StrictMath.sin(radians));
    double centerX = in.width / 2.0;
    double centerY = in.height / 2.0;
    double shiftX = cos * -centerX + sin * -centerY + centerX;
    double shiftY = -sin * -centerX + cos * -centerY + centerY;

    int stepXx = fixed(cos);
    int stepXy = fixed(sin);
    int stepYx = fixed(-sin);
    int stepYy = fixed(cos);
    int rowX = fixed(shiftX + cos * 0.5 + sin * 0.5);
    int rowY = fixed(shiftY + -sin * 0.5 + cos * 0.5);
    Plane out = in.blank();
    for (int y = 0; y < in.height; y++) {
      int fx = rowX;
      int fy = rowY;
      for (int x = 0; x < in.width; x++) {
        int sx = fx >> 16;
        int sy = fy >> 16;
        if (sx >= 0 && sx < in.width && sy >= 0 && sy < in.height) {
          copyPixel(in, sx, sy, out, x, y);
        }
        fx += stepXx;
        fy += stepYx;
      }
      rowX += stepXy;
      rowY += stepYy;
    }
    return out;
  }

  private static double round15(double v) {
    return Math.rint(v * 1e15) / 1e15;
  }

  private static int fixed(double v) {
    return (int) Math.floor(v * 65536.0 + 0.5);
  }

  private static Plane cut(Plane in, int left, int top, int width, int height) {
    return paste(in, new PasteBox(left, top, 0, 0, width, height), width, height, 0);
  }

  private static Plane paste(Plane in, PasteBox box, int width, int height, int fill) {
    byte[] out = new byte[Dimensions.bytes(width, height, in.channels)];
    checkInside("source", box.sourceLeft, box.sourceTop, box, in.width, in.height);
    checkInside("target", box.left, box.top, box, width, height);
    if (fill != 0) {
      Arrays.fill(out, (byte) fill);
    }
    for (int y = 0; y < box.height; y++) {
      System.arraycopy(
          in.bytes,
          ((box.sourceTop + y) * in.width + box.sourceLeft) * in.channels,
          out,
          ((box.top + y) * width + box.left) * in.channels,
          box.width * in.channels);
    }
    return new Plane(width, height, in.channels, out);
  }

  private static void checkInside(
      String side, int left, int top, PasteBox box, int width, int height) {
    if (left < 0
        || top < 0
        || box.width < 0
        || box.height < 0
        || left + box.width > width
        || top + box.height > height) {
      throw new IllegalArgumentException(
          "crop: " + box + " reaches outside the " + side + " of " + width + "x" + height);
    }
  }

  private static void copyPixel(Plane in, int x, int y, Plane out, int toX, int toY) {
    int i = (y * in.width + x) * in.channels;
    int o = (toY * out.width + toX) * out.channels;
    for (int c = 0; c < in.channels; c++) {
      out.bytes[o + c] = in.bytes[i + c];
    }
  }
}
