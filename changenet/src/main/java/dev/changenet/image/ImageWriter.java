package dev.changenet.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Writes pictures and masks, as {@link OutputFile} says. */
public final class ImageWriter {
  private static final String JPEG_METADATA = "javax_imageio_jpeg_image_1.0";

  private ImageWriter() {}

  /**
   * Writes {@code image} as a JPEG file with full colour resolution (4:4:4).
   *
   * @param quality above 0 up to 1
   * @throws DataException if the file cannot be written
   */
  public static void writeJpeg(Path path, RgbImage image, float quality) {
    write(path, encodeJpeg(toBuffered(image), quality));
  }

  /**
   * Writes {@code image} as an 8-bit RGB PNG file.
   *
   * @throws DataException if the file cannot be written
   */
  public static void writePng(Path path, RgbImage image) {
    write(path, encodePng(toBuffered(image)));
  }

  /** Returns {@code image} as the content of an 8-bit RGB PNG file. */
  public static byte[] png(RgbImage image) {
    return encodePng(toBuffered(image));
  }

  /**
   * Writes {@code mask} as an 8-bit grey PNG file holding the values as they are.
   *
   * @throws DataException if the file cannot be written
   */
  public static void writePng(Path path, Mask mask) {
    BufferedImage image =
        new BufferedImage(mask.width(), mask.height(), BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setDataElements(0, 0, mask.width(), mask.height(), mask.values());
    write(path, encodePng(image));
  }

  /** Returns {@code image} as a JPEG file with full colour resolution; quality as above. */
  public static byte[] jpeg(RgbImage image, float quality) {
    return encodeJpeg(toBuffered(image), quality);
  }

  /**
   * Returns a picture of few colours as a PNG file with a palette.
   *
   * @param ids index into {@code palette} per pixel
   * @param palette at most 256 colours, each R, G, B of 0–255
   */
  public static byte[] png(Mask ids, int[][] palette) {
    byte[][] channels = new byte[RgbImage.CHANNELS][palette.length];
    for (int i = 0; i < palette.length; i++) {
      for (int c = 0; c < RgbImage.CHANNELS; c++) {
        channels[c][i] = (byte) palette[i][c];
      }
    }
    IndexColorModel colors =
        new IndexColorModel(8, palette.length, channels[0], channels[1], channels[2]);
    BufferedImage image =
        new BufferedImage(ids.width(), ids.height(), BufferedImage.TYPE_BYTE_INDEXED, colors);
    image.getRaster().setDataElements(0, 0, ids.width(), ids.height(), ids.values());
    return encodePng(image);
  }

  /**
   * Writes {@code mask} as an 8-bit palette PNG file: the stored values are the mask's, viewers
   * show the colours.
   *
   * @param palette R, G, B of each value that occurs in the mask, 0–255; at most 256
   * @throws DataException if the file cannot be written
   */
  public static void writePng(Path path, Mask mask, int[][] palette) {
    byte[][] channels = new byte[RgbImage.CHANNELS][palette.length];
    for (int i = 0; i < palette.length; i++) {
      for (int c = 0; c < RgbImage.CHANNELS; c++) {
        channels[c][i] = (byte) palette[i][c];
      }
    }
    for (byte value : mask.values()) {
      if ((value & 0xFF) >= palette.length) {
        throw new IllegalArgumentException(
            "palette PNG: value " + (value & 0xFF) + " has no colour among " + palette.length);
      }
    }
    IndexColorModel colors =
        new IndexColorModel(8, palette.length, channels[0], channels[1], channels[2]);
    BufferedImage image =
        new BufferedImage(mask.width(), mask.height(), BufferedImage.TYPE_BYTE_INDEXED, colors);
    image.getRaster().setDataElements(0, 0, mask.width(), mask.height(), mask.values());
    write(path, encodePng(image));
  }

  /**
   * Writes a 16-bit grey PNG file.
   *
   * @param values {@code height · width} values of 0–65535, row by row
   * @throws DataException if the file cannot be written
   */
  public static void writeGrey16(Path path, int width, int height, short[] values) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_USHORT_GRAY);
    image.getRaster().setDataElements(0, 0, width, height, values);
    write(path, encodePng(image));
  }

  private static void write(Path path, byte[] bytes) {
    OutputFile.writePicture(path, out -> out.write(bytes));
  }

  private static BufferedImage toBuffered(RgbImage image) {
    int stride = image.width() * RgbImage.CHANNELS;
    WritableRaster raster =
        Raster.createInterleavedRaster(
            new DataBufferByte(image.pixels(), image.pixels().length),
            image.width(),
            image.height(),
            stride,
            RgbImage.CHANNELS,
            new int[] {0, 1, 2},
            null);
    ColorModel model =
        ImageTypeSpecifier.createFromBufferedImageType(BufferedImage.TYPE_3BYTE_BGR)
            .getColorModel();
    return new BufferedImage(model, raster, false, null);
  }

  private static byte[] encodePng(BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    javax.imageio.ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(image);
      out.flush();
    } catch (IOException e) {
      throw new IllegalStateException("PNG encoding in memory failed", e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static byte[] encodeJpeg(BufferedImage image, float quality) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    javax.imageio.ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(quality);
      IIOMetadata metadata = writer.getDefaultImageMetadata(new ImageTypeSpecifier(image), param);
      useFullColorResolution(metadata);
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, metadata), param);
      out.flush();
    } catch (IOException e) {
      throw new IllegalStateException("JPEG encoding in memory failed", e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static void useFullColorResolution(IIOMetadata metadata) throws IOException {
    // Halved colour resolution would smear the class colours over their borders.
    IIOMetadataNode root = (IIOMetadataNode) metadata.getAsTree(JPEG_METADATA);
    IIOMetadataNode luma = (IIOMetadataNode) root.getElementsByTagName("componentSpec").item(0);
    luma.setAttribute("HsamplingFactor", "1");
    luma.setAttribute("VsamplingFactor", "1");
    metadata.setFromTree(JPEG_METADATA, root);
  }
}
