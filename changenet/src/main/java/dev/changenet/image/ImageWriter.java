package dev.changenet.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Writes pictures and masks. Missing folders are created; a file appears under its name only when
 * it is complete, so an interrupted run leaves no half picture.
 */
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
    writeAtomically(path, encodeJpeg(toBuffered(image), quality));
  }

  /**
   * Writes {@code image} as an 8-bit RGB PNG file.
   *
   * @throws DataException if the file cannot be written
   */
  public static void writePng(Path path, RgbImage image) {
    writeAtomically(path, encodePng(toBuffered(image)));
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
    writeAtomically(path, encodePng(image));
  }

  /**
   * Writes {@code bytes} to {@code path} by way of a temporary file beside it.
   *
   * @throws DataException if the file cannot be written
   */
  public static void writeAtomically(Path path, byte[] bytes) {
    Path target = path.toAbsolutePath();
    try {
      Files.createDirectories(target.getParent());
      // Not createTempFile: its files are readable by their owner alone, and so would be the
      // result.
      Path temporary =
          target.resolveSibling(
              "." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp");
      try {
        Files.write(temporary, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new DataException(
          path
              + ": the file cannot be written ("
              + e
              + "); check the folder's permissions and the free space",
          e);
    }
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
