package dev.changenet.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * What the chunks of a PNG file say about it.
 *
 * @param bitDepth bits per sample: 1, 2, 4, 8 or 16
 * @param colorType 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha
 */
record PngStructure(int bitDepth, int colorType) {
  private static final int SIGNATURE_BYTES = 8;
  private static final int CHUNK_OVERHEAD = 12;

  /** Samples per pixel as stored; a palette index counts as one. */
  int channels() {
    return switch (colorType) {
      case 2 -> 3;
      case 4 -> 2;
      case 6 -> 4;
      default -> 1;
    };
  }

  /**
   * Walks over all chunks up to IEND.
   *
   * @throws IOException if the file ends too early or a checksum is wrong
   */
  static PngStructure parse(byte[] file) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(file);
    int position = SIGNATURE_BYTES;
    PngStructure header = null;
    while (true) {
      if (position + CHUNK_OVERHEAD > file.length) {
        throw new IOException("the file is truncated: it ends before the closing IEND chunk");
      }
      long length = buffer.getInt(position) & 0xFFFFFFFFL;
      String type = new String(file, position + 4, 4, StandardCharsets.ISO_8859_1);
      if (position + CHUNK_OVERHEAD + length > file.length) {
        throw new IOException(
            "the file is truncated: chunk "
                + printable(type)
                + " should have "
                + length
                + " bytes, "
                + Math.max(0, file.length - position - CHUNK_OVERHEAD)
                + " are there");
      }
      checkCrc(file, buffer, position, (int) length, type);
      if (type.equals("IHDR") && length >= 13) {
        header = new PngStructure(file[position + 16], file[position + 17]);
      } else if (type.equals("IEND")) {
        break;
      }
      position += CHUNK_OVERHEAD + (int) length;
    }
    if (header == null) {
      throw new IOException("the PNG header chunk IHDR is missing");
    }
    return header;
  }

  private static void checkCrc(
      byte[] file, ByteBuffer buffer, int position, int length, String type) throws IOException {
    // Only chunks with an upper-case first letter matter for the pixels.
    if (Character.isUpperCase(type.charAt(0))) {
      CRC32 crc = new CRC32();
      crc.update(file, position + 4, length + 4);
      if ((int) crc.getValue() != buffer.getInt(position + 8 + length)) {
        throw new IOException(
            "the file is damaged: the checksum of chunk " + printable(type) + " is wrong");
      }
    }
  }

  private static String printable(String type) {
    return type.replaceAll("[^A-Za-z]", "?");
  }
}
