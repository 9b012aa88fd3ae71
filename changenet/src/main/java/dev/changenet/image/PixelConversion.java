package dev.changenet.image;

import java.awt.color.ColorSpace;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;

/**
 * Turns decoded samples of any layout into 8-bit RGB.
 *
 * <p>It works on the stored samples, not on the library's colour-managed values: colour profiles
 * and gamma are left alone, alpha is dropped, 16-bit samples keep their high byte, those of less
 * than 8 bits are spread over 0–255.
 */
final class PixelConversion {
  private PixelConversion() {}

  /** Converts a picture whose colour model the decoder knows. */
  static RgbImage toRgb(Raster raster, ColorModel model) throws IOException {
    RgbImage out = RgbImage.black(raster.getWidth(), raster.getHeight());
    if (model instanceof IndexColorModel palette) {
      expand(raster, palette, out);
      return out;
    }
    int space = model.getColorSpace().getType();
    switch (space) {
      case ColorSpace.TYPE_GRAY -> copy(raster, new int[] {0, 0, 0}, out);
      case ColorSpace.TYPE_RGB -> copy(raster, new int[] {0, 1, 2}, out);
      case ColorSpace.TYPE_CMYK -> cmykToRgb(raster, false, false, out);
      default ->
          throw new IOException(
              "its colour space (" + model.getNumComponents() + " components) is not supported");
    }
    return out;
  }

  /** Converts the raw components of a JPEG picture. */
  static RgbImage toRgb(Raster raster, JpegStructure jpeg) throws IOException {
    RgbImage out = RgbImage.black(raster.getWidth(), raster.getHeight());
    switch (raster.getNumBands()) {
      case 1 -> copy(raster, new int[] {0, 0, 0}, out);
      case 3 -> {
        copy(raster, new int[] {0, 1, 2}, out);
        if (!jpeg.rgb()) {
          yccToRgb(out.pixels());
        }
      }
      case 4 -> cmykToRgb(raster, jpeg.ycck(), jpeg.adobe(), out);
      default -> throw new IOException(raster.getNumBands() + " components are not supported");
    }
    return out;
  }

  /** Number of bits by which samples of {@code raster} are shifted right to become bytes. */
  static int shift(Raster raster) throws IOException {
    int type = raster.getDataBuffer().getDataType();
    int bits = raster.getSampleModel().getSampleSize(0);
    if (type == DataBuffer.TYPE_FLOAT
        || type == DataBuffer.TYPE_DOUBLE
        || type == DataBuffer.TYPE_SHORT
        || bits > 16) {
      throw new IOException(
          "its pixels are " + bits + "-bit signed or floating-point numbers, not 8-bit");
    }
    return Math.max(0, bits - 8);
  }

  private static void expand(Raster raster, IndexColorModel palette, RgbImage out) {
    int width = raster.getWidth();
    int[] row = new int[width];
    byte[] pixels = out.pixels();
    int o = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      samples(raster, y, 0, row);
      for (int index : row) {
        int rgb = index < palette.getMapSize() ? palette.getRGB(index) : 0;
        pixels[o] = (byte) (rgb >> 16);
        pixels[o + 1] = (byte) (rgb >> 8);
        pixels[o + 2] = (byte) rgb;
        o += RgbImage.CHANNELS;
      }
    }
  }

  private static void copy(Raster raster, int[] bands, RgbImage out) throws IOException {
    int shift = shift(raster);
    int width = raster.getWidth();
    int[] row = new int[width];
    byte[] pixels = out.pixels();
    for (int y = 0; y < raster.getHeight(); y++) {
      for (int c = 0; c < RgbImage.CHANNELS; c++) {
        if (c == 0 || bands[c] != bands[c - 1]) {
          samples(raster, y, bands[c], row);
        }
        int o = y * width * RgbImage.CHANNELS + c;
        // 31 or 63 in BMP files of 16 bits per pixel.
        int most = (1 << Math.min(8, raster.getSampleModel().getSampleSize(bands[c]))) - 1;
        for (int sample : row) {
          pixels[o] = (byte) ((sample >> shift) * 255 / most);
          o += RgbImage.CHANNELS;
        }
      }
    }
  }

  static void samples(Raster raster, int y, int band, int[] row) {
    raster.getSamples(raster.getMinX(), raster.getMinY() + y, row.length, 1, band, row);
  }

  /** Source: ITU-R BT.601 as in JFIF, 16-bit fixed point. */
  private static void yccToRgb(byte[] p) {
    for (int i = 0; i < p.length; i += RgbImage.CHANNELS) {
      int y = p[i] & 0xFF;
      int cb = (p[i + 1] & 0xFF) - 128;
      int cr = (p[i + 2] & 0xFF) - 128;
      p[i] = clamp(y + ((91881 * cr + 32768) >> 16));
      p[i + 1] = clamp(y + ((-22554 * cb - 46802 * cr + 32768) >> 16));
      p[i + 2] = clamp(y + ((116130 * cb + 32768) >> 16));
    }
  }

  private static void cmykToRgb(Raster raster, boolean ycck, boolean inverted, RgbImage out)
      throws IOException {
    int shift = shift(raster);
    copy(raster, new int[] {0, 1, 2}, out);
    byte[] p = out.pixels();
    if (ycck) {
      yccToRgb(p);
      for (int i = 0; i < p.length; i++) {
        p[i] = (byte) (255 - (p[i] & 0xFF));
      }
    }
    int[] row = new int[raster.getWidth()];
    int i = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      samples(raster, y, 3, row);
      for (int sample : row) {
        int light = inverted ? sample >> shift : 255 - (sample >> shift);
        for (int c = 0; c < RgbImage.CHANNELS; c++, i++) {
          int ink = inverted ? 255 - (p[i] & 0xFF) : p[i] & 0xFF;
          p[i] = clamp(light - multiplyDivide255(ink, light));
        }
      }
    }
  }

  private static int multiplyDivide255(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
  }

  private static byte clamp(int v) {
    return (byte) Math.clamp(v, 0, 255);
  }
}
