package dev.changenet.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What the markers of a JPEG file say about it.
 *
 * @param precision bits per sample
 * @param components number of components: 1, 3 or 4
 * @param rgb true when three components hold R, G, B themselves instead of Y, Cb, Cr
 * @param adobe true when an Adobe marker is present, which means that CMYK is stored inverted
 * @param ycck true when four components hold Y, Cb, Cr, K instead of C, M, Y, K
 */
record JpegStructure(int precision, int components, boolean rgb, boolean adobe, boolean ycck) {

  /**
   * Walks over all markers up to the end-of-image marker.
   *
   * @throws IOException if the file ends before that marker
   */
  static JpegStructure parse(byte[] file) throws IOException {
    int position = 2;
    int precision = 0;
    int components = 0;
    String ids = "";
    boolean jfif = false;
    int adobeTransform = -1;
    while (true) {
      position = nextMarker(file, position);
      int marker = file[position - 1] & 0xFF;
      if (marker == 0xD9) {
        break;
      }
      if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
        continue;
      }
      int length = position + 2 <= file.length ? u16(file, position) : Integer.MAX_VALUE / 2;
      if (position + length > file.length || length < 2) {
        throw truncated();
      }
      int body = position + 2;
      if (isStartOfFrame(marker) && length >= 8) {
        precision = file[body] & 0xFF;
        components = file[body + 5] & 0xFF;
        if (length < 8 + 3 * components) {
          throw new IOException("the file is damaged: its frame header is too short");
        }
        StringBuilder b = new StringBuilder();
        for (int c = 0; c < components; c++) {
          b.append((char) (file[body + 6 + 3 * c] & 0xFF));
        }
        ids = b.toString();
      } else if (marker == 0xE0 && holds(file, body, length, "JFIF\0")) {
        jfif = true;
      } else if (marker == 0xEE && length >= 14 && holds(file, body, length, "Adobe")) {
        adobeTransform = file[body + 11] & 0xFF;
      }
      position += length;
      if (marker == 0xDA) {
        position = endOfScan(file, position);
      }
    }
    if (components == 0) {
      throw new IOException("the file is damaged: it holds no picture");
    }
    boolean rgb =
        components == 3 && !jfif && (adobeTransform >= 0 ? adobeTransform == 0 : ids.equals("RGB"));
    return new JpegStructure(
        precision, components, rgb, adobeTransform >= 0, components == 4 && adobeTransform == 2);
  }

  static boolean isStartOfFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  /** Returns the position just behind the next marker's two bytes. */
  private static int nextMarker(byte[] file, int from) throws IOException {
    for (int i = from; i + 1 < file.length; i++) {
      int code = file[i + 1] & 0xFF;
      if ((file[i] & 0xFF) == 0xFF && code != 0 && code != 0xFF) {
        return i + 2;
      }
    }
    throw truncated();
  }

  private static int endOfScan(byte[] file, int from) throws IOException {
    for (int i = from; i + 1 < file.length; i++) {
      int code = file[i + 1] & 0xFF;
      boolean marker = (file[i] & 0xFF) == 0xFF && code != 0 && code != 0xFF;
      if (marker && !(code >= 0xD0 && code <= 0xD7)) {
        return i;
      }
    }
    throw truncated();
  }

  private static IOException truncated() {
    return new IOException("the file is truncated: it ends before the JPEG end marker");
  }

  private static int u16(byte[] file, int i) {
    return (file[i] & 0xFF) << 8 | (file[i + 1] & 0xFF);
  }

  private static boolean holds(byte[] file, int at, int length, String text) {
    return length >= 2 + text.length()
        && new String(file, at, text.length(), StandardCharsets.ISO_8859_1).equals(text);
  }
}
