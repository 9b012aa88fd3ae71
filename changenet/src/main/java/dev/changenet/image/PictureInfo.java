package dev.changenet.image;

import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.ImageInputStream;

/**
 * What the header of a picture file says; no pixel is decoded.
 *
 * @param format PNG, JPEG, BMP, TIFF or GIF, by content
 * @param width pixels per row
 * @param height rows
 * @param channels samples per pixel as stored; a palette index counts as one
 * @param bits bits per sample
 * @param palette whether pixels are indices into a table of colours
 */
public record PictureInfo(
    String format, int width, int height, int channels, int bits, boolean palette) {
  private static final int HEAD = 1 << 16;
  private static final byte[] PNG_END = HexFormat.of().parseHex("0000000049454E44AE426082");
  private static final byte[] JPEG_END = HexFormat.of().parseHex("FFD9");

  /**
   * Reads the header of {@code path}, and whether a PNG or JPEG file is there up to its end.
   *
   * @throws DamagedPictureException if the file is cut short
   * @throws DataException if it is no picture or cannot be read
   */
  public static PictureInfo read(Path path) {
    if (Files.isDirectory(path)) {
      throw new DataException(path + ": is a folder, expected a picture file");
    }
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      byte[] head = new byte[(int) Math.min(HEAD, file.length())];
      file.readFully(head);
      Optional<ImageFormat> format = ImageFormat.of(head);
      if (format.isEmpty()) {
        throw new DataException(
            path
                + ": not a picture that can be read ("
                + ImageFormat.describe(head)
                + "); expected "
                + ImageFormat.READABLE);
      }
      return switch (format.get()) {
        case PNG -> {
          if (!endsWith(file, PNG_END)) {
            PngStructure.parse(Files.readAllBytes(path));
          }
          yield png(head);
        }
        case JPEG -> {
          if (!endsWith(file, JPEG_END)) {
            JpegStructure.parse(Files.readAllBytes(path));
          }
          PictureInfo info = jpeg(head);
          yield info != null ? info : completeJpeg(path);
        }
        default -> other(path, format.get());
      };
    } catch (FileNotFoundException e) {
      throw new DataException(
          path + ": the file cannot be opened; check that it exists and may be read", e);
    } catch (IOException | RuntimeException e) {
      if (e instanceof DataException known) {
        throw known;
      }
      throw new DamagedPictureException(
          path
              + ": the picture cannot be decoded ("
              + ImageReader.reason(e)
              + "); replace the file",
          e);
    }
  }

  private static boolean endsWith(RandomAccessFile file, byte[] end) throws IOException {
    if (file.length() < end.length) {
      return false;
    }
    byte[] last = new byte[end.length];
    file.seek(file.length() - end.length);
    file.readFully(last);
    return Arrays.equals(last, end);
  }

  private static PictureInfo png(byte[] head) throws IOException {
    int least = 26;
    if (head.length < least) {
      throw new EOFException("the file is truncated");
    }
    ByteBuffer b = ByteBuffer.wrap(head);
    PngStructure structure = new PngStructure(head[24], head[25]);
    return new PictureInfo(
        "PNG",
        b.getInt(16),
        b.getInt(20),
        structure.channels(),
        structure.bitDepth(),
        structure.colorType() == 3);
  }

  /** Looks for the frame header; null when {@code head} ends before it. */
  private static PictureInfo jpeg(byte[] head) {
    int i = 2;
    while (i + 9 < head.length) {
      int marker = head[i + 1] & 0xFF;
      if ((head[i] & 0xFF) != 0xFF || marker == 0xFF) {
        i++;
      } else if (marker == 0x01 || marker >= 0xD0 && marker <= 0xD8) {
        i += 2;
      } else if (JpegStructure.isStartOfFrame(marker)) {
        int height = (head[i + 5] & 0xFF) << 8 | head[i + 6] & 0xFF;
        int width = (head[i + 7] & 0xFF) << 8 | head[i + 8] & 0xFF;
        return new PictureInfo("JPEG", width, height, head[i + 9] & 0xFF, head[i + 4], false);
      } else {
        i += 2 + ((head[i + 2] & 0xFF) << 8 | head[i + 3] & 0xFF);
      }
    }
    return null;
  }

  private static PictureInfo completeJpeg(Path path) throws IOException {
    PictureInfo info = jpeg(Files.readAllBytes(path));
    if (info == null) {
      throw new IOException("the file is damaged: it holds no picture");
    }
    return info;
  }

  private static PictureInfo other(Path path, ImageFormat format) throws IOException {
    javax.imageio.ImageReader reader =
        ImageIO.getImageReadersByFormatName(format.pluginName()).next();
    // Small files are read at once: seeking in them would cost more.
    boolean small = Files.size(path) <= HEAD;
    try (ImageInputStream in =
        small
            ? ImageIO.createImageInputStream(new ByteArrayInputStream(Files.readAllBytes(path)))
            : new FileImageInputStream(path.toFile())) {
      reader.setInput(in, true, true);
      ImageTypeSpecifier type = reader.getRawImageType(0);
      if (type == null) {
        type = reader.getImageTypes(0).next();
      }
      return new PictureInfo(
          format.name(),
          reader.getWidth(0),
          reader.getHeight(0),
          type.getSampleModel().getNumBands(),
          type.getSampleModel().getSampleSize(0),
          type.getColorModel() instanceof IndexColorModel);
    } finally {
      reader.dispose();
    }
  }
}
