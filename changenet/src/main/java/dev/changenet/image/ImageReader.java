package dev.changenet.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Reads pictures and masks from PNG, JPEG, BMP, TIFF and GIF files (of several pages or frames the
 * first).
 *
 * <p>The format is told by the content. A file that is missing, empty, cut short, damaged or not a
 * picture is an error that names it: half a picture is never returned.
 */
public final class ImageReader {
  /** More pixels than this (about 16,000 × 16,000) are refused before anything is decoded. */
  public static final long MAX_PIXELS = 1L << 28;

  private static final String NO_PERMISSION = ": no permission to read the file";

  private static final long MAX_FILE_BYTES = 1L << 30;

  private ImageReader() {}

  /**
   * Reads a picture as 8-bit RGB: alpha is dropped, grey is replicated, palettes are expanded, CMYK
   * is converted, 16-bit samples keep their high byte; colour profiles are not applied.
   *
   * @throws DataException if the file cannot be read completely
   */
  public static RgbImage readRgb(Path path) {
    Decoded d = decode(path);
    try {
      return d.jpeg != null
          ? PixelConversion.toRgb(d.raster, d.jpeg)
          : PixelConversion.toRgb(d.raster, d.model);
    } catch (IOException e) {
      throw new DataException(path + ": " + e.getMessage() + "; convert it to an 8-bit RGB PNG", e);
    }
  }

  /**
   * Reads the size of a picture from the file's first part.
   *
   * @throws DataException if the file is no picture
   */
  public static Size size(Path path) {
    ImageFormat format;
    try (InputStream in = Files.newInputStream(path)) {
      format = formatOf(path, in.readNBytes(16));
    } catch (AccessDeniedException e) {
      throw new DataException(path + NO_PERMISSION, e);
    } catch (IOException e) {
      throw new DataException(path + ": the file cannot be read (" + reason(e) + ")", e);
    }
    javax.imageio.ImageReader reader =
        ImageIO.getImageReadersByFormatName(format.pluginName()).next();
    try (FileImageInputStream in = new FileImageInputStream(path.toFile())) {
      reader.setInput(in, true, true);
      return new Size(reader.getWidth(0), reader.getHeight(0));
    } catch (IOException | RuntimeException e) {
      throw undecodable(path, format, e);
    } finally {
      reader.dispose();
    }
  }

  /**
   * Columns and rows of a picture.
   *
   * @param width pixels per row
   * @param height rows
   */
  public record Size(int width, int height) {
    /** Returns {@code width x height}. */
    @Override
    public String toString() {
      return width + "x" + height;
    }
  }

  /**
   * Reads the stored values of a mask: grey values as they are, of palette pictures the palette
   * index, of 1-bit pictures 0 and 1.
   *
   * @throws DataException if the file cannot be read completely, has more than one channel, or
   *     holds a value above 255
   */
  public static Mask readMask(Path path) {
    Decoded d = decode(path);
    Raster raster = d.raster;
    int channels = d.png != null ? d.png.channels() : raster.getNumBands();
    if (channels != 1) {
      throw new DataException(
          path
              + ": a mask must have one channel (grey or palette), this file has "
              + channels
              + "; convert it to an 8-bit grey PNG");
    }
    int scale = greyScale(d);
    // With a transparent colour the decoder shows 1 as 255.
    boolean bilevel = d.png != null && d.png.colorType() == 0 && d.png.bitDepth() == 1;
    byte[] values = new byte[Dimensions.bytes(raster.getWidth(), raster.getHeight(), 1)];
    int[] row = new int[raster.getWidth()];
    try {
      PixelConversion.shift(raster);
    } catch (IOException e) {
      throw new DataException(
          path + ": " + e.getMessage() + "; store the mask as an 8-bit grey PNG", e);
    }
    for (int y = 0; y < raster.getHeight(); y++) {
      PixelConversion.samples(raster, y, 0, row);
      for (int x = 0; x < row.length; x++) {
        if (row[x] > 255) {
          throw new DataException(
              path
                  + ": mask value "
                  + row[x]
                  + " at column "
                  + x
                  + ", row "
                  + y
                  + " does not fit in 8 bits (0–255); store the mask as an 8-bit grey PNG");
        }
        values[y * row.length + x] = (byte) (bilevel ? Math.min(row[x], 1) : row[x] * scale);
      }
    }
    return new Mask(raster.getWidth(), raster.getHeight(), values);
  }

  /** Grey PNGs of 2 and 4 bits span 0–255 like all decoders show them; 1 bit stays 0 and 1. */
  private static int greyScale(Decoded d) {
    if (d.png == null || d.png.colorType() != 0 || !(d.model instanceof IndexColorModel)) {
      return 1;
    }
    return switch (d.png.bitDepth()) {
      case 2 -> 85;
      case 4 -> 17;
      default -> 1;
    };
  }

  /** Samples as stored, with what is known about their meaning; absent parts are null. */
  private record Decoded(Raster raster, ColorModel model, JpegStructure jpeg, PngStructure png) {}

  private static Decoded decode(Path path) {
    byte[] file = bytes(path);
    ImageFormat format = formatOf(path, file);
    javax.imageio.ImageReader reader =
        ImageIO.getImageReadersByFormatName(format.pluginName()).next();
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      PngStructure png = format == ImageFormat.PNG ? PngStructure.parse(file) : null;
      JpegStructure jpeg = format == ImageFormat.JPEG ? JpegStructure.parse(file) : null;
      reader.setInput(in, true, true);
      checkSize(path, reader.getWidth(0), reader.getHeight(0));
      if (jpeg != null) {
        return new Decoded(readJpeg(reader), null, jpeg, null);
      }
      BufferedImage image = reader.read(0);
      return new Decoded(image.getRaster(), image.getColorModel(), null, png);
    } catch (IOException | RuntimeException e) {
      if (e instanceof DataException known) {
        throw known;
      }
      // Decoders answer damaged input with many exception types; all mean the same to the user.
      throw undecodable(path, format, e);
    } finally {
      reader.dispose();
    }
  }

  private static ImageFormat formatOf(Path path, byte[] start) {
    return ImageFormat.of(start)
        .orElseThrow(
            () ->
                new DataException(
                    path
                        + ": not a picture that can be read ("
                        + ImageFormat.describe(start)
                        + "); expected "
                        + ImageFormat.READABLE));
  }

  private static DataException undecodable(Path path, ImageFormat format, Exception e) {
    return new DamagedPictureException(
        path
            + ": the "
            + format
            + " picture cannot be decoded ("
            + reason(e)
            + "); replace the file",
        e);
  }

  private static Raster readJpeg(javax.imageio.ImageReader reader) throws IOException {
    // The decoder fills what is missing with grey and only warns.
    String[] warning = new String[1];
    reader.addIIOReadWarningListener(
        (source, message) -> {
          if (message.startsWith("Corrupt JPEG data")
              || message.startsWith("Premature end")
              || message.startsWith("Truncated File")) {
            warning[0] = message;
          }
        });
    Raster raster = reader.readRaster(0, null);
    if (warning[0] != null) {
      throw new IOException(warning[0]);
    }
    return raster;
  }

  private static void checkSize(Path path, int width, int height) {
    long pixels = (long) width * height;
    if (width < 1 || height < 1 || pixels > MAX_PIXELS) {
      throw new DataException(
          path
              + ": the header claims "
              + width
              + "x"
              + height
              + " pixels, at most "
              + MAX_PIXELS
              + " in total can be read; cut the picture into tiles");
    }
    // Decoded samples and the RGB copy exist at the same time.
    long needed = pixels * 2 * RgbImage.CHANNELS;
    if (needed > Runtime.getRuntime().maxMemory()) {
      throw new DataException(
          path
              + ": reading "
              + width
              + "x"
              + height
              + " pixels takes "
              + (needed >> 20)
              + " MiB, the Java heap holds "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB; raise -Xmx or cut the picture into tiles");
    }
  }

  private static byte[] bytes(Path path) {
    try {
      if (Files.isDirectory(path)) {
        throw new DataException(path + ": is a folder, expected a picture file");
      }
      if (!Files.exists(path)) {
        throw new DataException(path + ": no such file; check the split list and the folder");
      }
      long size = Files.size(path);
      if (size == 0) {
        throw new DataException(path + ": the file is empty (0 bytes); replace it");
      }
      if (size > MAX_FILE_BYTES) {
        throw new DataException(
            path
                + ": the file has "
                + size
                + " bytes, at most "
                + MAX_FILE_BYTES
                + " can be read; cut the picture into tiles");
      }
      return Files.readAllBytes(path);
    } catch (AccessDeniedException e) {
      throw new DataException(path + NO_PERMISSION, e);
    } catch (IOException e) {
      throw new DataException(path + ": the file cannot be read (" + reason(e) + ")", e);
    }
  }

  static String reason(Exception e) {
    String message = e.getMessage();
    if (message == null || message.isBlank()) {
      return e instanceof EOFException ? "the file is truncated" : e.getClass().getSimpleName();
    }
    Throwable cause = e.getCause();
    boolean telling = cause != null && cause.getMessage() != null;
    String text = telling ? message + ": " + cause.getMessage() : message;
    return text.replaceAll("\\s+", " ").strip();
  }
}
