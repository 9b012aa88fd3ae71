package dev.changenet.check;

import dev.changenet.data.DataSettings;
import dev.changenet.image.Mask;
import dev.changenet.image.RgbImage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What is kept of a decoded mask.
 *
 * @param content what its pixels are
 * @param values stored values that occur, ascending; empty for colours
 * @param counts pixels of each value
 */
record MaskFacts(Content content, int[] values, int[] counts) {
  /** What a mask's pixels are. */
  enum Content {
    /** One channel: numbers. */
    NUMBERS,
    /** Several channels that are equal: grey levels. */
    GREY,
    /** Colours, all of them in color_map. */
    MAPPED_COLORS,
    /** Colours, some of them not in color_map. */
    COLORS
  }

  static MaskFacts of(Mask mask) {
    return of(Content.NUMBERS, mask.values());
  }

  /** Describes a mask with several channels. */
  static MaskFacts of(RgbImage image, List<List<Integer>> colors) {
    byte[] pixels = image.pixels();
    byte[] first = new byte[pixels.length / RgbImage.CHANNELS];
    boolean grey = true;
    boolean mapped = true;
    Map<Integer, Boolean> known = new HashMap<>();
    for (int i = 0; i < first.length; i++) {
      int r = pixels[3 * i] & 0xFF;
      int g = pixels[3 * i + 1] & 0xFF;
      int b = pixels[3 * i + 2] & 0xFF;
      first[i] = (byte) r;
      grey &= r == g && g == b;
      mapped &= known.computeIfAbsent(r << 16 | g << 8 | b, _ -> colors.contains(List.of(r, g, b)));
    }
    if (mapped) {
      return new MaskFacts(Content.MAPPED_COLORS, new int[0], new int[0]);
    }
    return grey ? of(Content.GREY, first) : new MaskFacts(Content.COLORS, new int[0], new int[0]);
  }

  private static MaskFacts of(Content content, byte[] pixels) {
    int[] all = new int[256];
    for (byte value : pixels) {
      all[value & 0xFF]++;
    }
    int kinds = 0;
    for (int n : all) {
      kinds += n > 0 ? 1 : 0;
    }
    int[] values = new int[kinds];
    int[] counts = new int[kinds];
    int k = 0;
    for (int v = 0; v < all.length; v++) {
      if (all[v] > 0) {
        values[k] = v;
        counts[k++] = all[v];
      }
    }
    return new MaskFacts(content, values, counts);
  }

  boolean numbers() {
    return content == Content.NUMBERS;
  }

  boolean has(int value) {
    for (int v : values) {
      if (v == value) {
        return true;
      }
    }
    return false;
  }

  /** Highest value. */
  int highest() {
    return values[values.length - 1];
  }

  /** Whether a value lies above 0 and below 255. */
  boolean hasBetween() {
    for (int v : values) {
      if (v > 0 && v < DataSettings.IGNORE) {
        return true;
      }
    }
    return false;
  }
}
