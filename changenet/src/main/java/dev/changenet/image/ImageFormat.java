package dev.changenet.image;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;

/** The picture formats that can be read, told apart by their first bytes, never by file suffix. */
enum ImageFormat {
  PNG("png", "89504E470D0A1A0A"),
  JPEG("jpeg", "FFD8FF"),
  BMP("bmp", "424D"),
  GIF("gif", "47494638"),
  TIFF("tiff", "49492A00", "4D4D002A");

  static final String READABLE = "PNG, JPEG, BMP, TIFF or GIF";

  private final String pluginName;
  private final byte[][] signatures;

  ImageFormat(String pluginName, String... signatures) {
    this.pluginName = pluginName;
    this.signatures = new byte[signatures.length][];
    for (int i = 0; i < signatures.length; i++) {
      this.signatures[i] = HexFormat.of().parseHex(signatures[i]);
    }
  }

  /** The name under which the runtime's image library knows the format. */
  String pluginName() {
    return pluginName;
  }

  static Optional<ImageFormat> of(byte[] file) {
    for (ImageFormat format : values()) {
      for (byte[] signature : format.signatures) {
        if (startsWith(file, 0, signature)) {
          return Optional.of(format);
        }
      }
    }
    return Optional.empty();
  }

  /** Says in a few words what a file that is none of the formats looks like. */
  static String describe(byte[] file) {
    if (startsWith(file, 0, ascii("RIFF")) && startsWith(file, 8, ascii("WEBP"))) {
      return "it is a WebP picture";
    }
    if (startsWith(file, 0, ascii("%PDF"))) {
      return "it is a PDF document";
    }
    if (startsWith(file, 4, ascii("jP  ")) || startsWith(file, 4, ascii("ftyp"))) {
      return "it is a JPEG 2000 or HEIF picture";
    }
    if (file.length == 0) {
      return "it is empty";
    }
    int shown = Math.min(file.length, 8);
    boolean text = true;
    for (int i = 0; i < shown; i++) {
      text &= file[i] >= 0x20 && file[i] < 0x7F || file[i] == '\n' || file[i] == '\r';
    }
    return text
        ? "it looks like text"
        : "it starts with the bytes "
            + HexFormat.ofDelimiter(" ").withUpperCase().formatHex(file, 0, shown);
  }

  private static byte[] ascii(String s) {
    return s.getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean startsWith(byte[] file, int offset, byte[] signature) {
    if (file.length < offset + signature.length) {
      return false;
    }
    for (int i = 0; i < signature.length; i++) {
      if (file[offset + i] != signature[i]) {
        return false;
      }
    }
    return true;
  }
}
