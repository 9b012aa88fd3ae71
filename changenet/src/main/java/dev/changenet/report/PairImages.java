package dev.changenet.report;

import dev.changenet.image.ImageWriter;
import dev.changenet.image.Mask;
import dev.changenet.image.Resize;
import dev.changenet.image.RgbImage;
import java.util.Arrays;
import java.util.Base64;

/**
 * A pair as five small pictures, each a {@code data:} address.
 *
 * @param a first picture
 * @param b second picture
 * @param truth classes of the mask
 * @param prediction predicted classes
 * @param errors where both differ
 */
record PairImages(String a, String b, String truth, String prediction, String errors) {
  /** Longest side of a picture in the page. */
  private static final int MAX_SIDE = 384;

  private static final float QUALITY = 0.85f;
  private static final int IGNORED_LABEL = 255;

  /** What a pixel of the error map says, in the order of {@link #ERROR_COLORS}. */
  enum Outcome {
    UNCHANGED("unchanged, predicted so"),
    HIT("change found"),
    FALSE_ALARM("false alarm"),
    MISSED("change missed"),
    OTHER_CLASS("change found, wrong class"),
    IGNORED("ignored");

    private final String words;

    Outcome(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }

    /** Judges a pixel. */
    static Outcome of(int label, int predicted) {
      if (label == IGNORED_LABEL) {
        return IGNORED;
      }
      if (label == predicted) {
        return label == 0 ? UNCHANGED : HIT;
      }
      return label == 0 ? FALSE_ALARM : predicted == 0 ? MISSED : OTHER_CLASS;
    }
  }

  /** Told apart by colour-blind people and in grey print. */
  static final int[][] ERROR_COLORS = {
    {0x1d, 0x21, 0x26},
    {0xf0, 0xf0, 0xf0},
    {0xe6, 0x9f, 0x00},
    {0x2f, 0x8f, 0xd6},
    {0xcc, 0x79, 0xa7},
    {0x70, 0x70, 0x70}
  };

  /**
   * Draws a pair.
   *
   * @param labels true class ids of a square picture, 255 for ignored pixels
   * @param predicted predicted class ids
   * @param colors R, G, B of each class
   */
  static PairImages of(RgbImage a, RgbImage b, int[] labels, int[] predicted, int[][] colors) {
    int size = a.width();
    int ignored = colors.length;
    int[][] palette = Arrays.copyOf(colors, ignored + 1);
    palette[ignored] = ERROR_COLORS[Outcome.IGNORED.ordinal()];
    byte[] truth = new byte[labels.length];
    byte[] prediction = new byte[labels.length];
    byte[] errors = new byte[labels.length];
    for (int i = 0; i < labels.length; i++) {
      truth[i] = (byte) Math.min(labels[i], ignored);
      prediction[i] = (byte) predicted[i];
      errors[i] = (byte) Outcome.of(labels[i], predicted[i]).ordinal();
    }
    return new PairImages(
        photo(a),
        photo(b),
        map(truth, size, palette),
        map(prediction, size, palette),
        map(errors, size, ERROR_COLORS));
  }

  private static String photo(RgbImage image) {
    int side = Math.min(MAX_SIDE, image.width());
    RgbImage small = side == image.width() ? image : Resize.bicubic(image, side, side);
    return data("jpeg", ImageWriter.jpeg(small, QUALITY));
  }

  private static String map(byte[] ids, int size, int[][] palette) {
    Mask mask = new Mask(size, size, ids);
    int side = Math.min(MAX_SIDE, size);
    Mask small = side == size ? mask : Resize.nearest(mask, side, side);
    return data("png", ImageWriter.png(small, palette));
  }

  private static String data(String type, byte[] file) {
    return "data:image/" + type + ";base64," + Base64.getEncoder().encodeToString(file);
  }
}
