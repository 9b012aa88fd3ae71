package dev.changenet.check;

import dev.changenet.image.RgbImage;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What is kept of a decoded picture.
 *
 * @param exact digest of size and pixels
 * @param across a bit for each of 8×8 cells of a small grey copy: brighter than its right neighbour
 * @param down the same with the neighbour below
 * @param contrast standard deviation of the small copy, in grey levels
 * @param blank whether all pixels are the same
 * @param brightest highest channel value
 */
record PictureFacts(
    Digest exact, long across, long down, double contrast, boolean blank, int brightest) {
  private static final int CELLS = 8;

  /** 128 bits that differ when pixels do. */
  record Digest(long high, long low) {}

  static PictureFacts of(RgbImage image, GreyImage grey) {
    float[] grid = grey.resized(CELLS + 1, CELLS + 1).values();
    int side = CELLS + 1;
    long across = 0;
    long down = 0;
    double sum = 0;
    double squares = 0;
    for (int y = 0; y < CELLS; y++) {
      for (int x = 0; x < CELLS; x++) {
        float here = grid[y * side + x];
        across = across << 1 | (here > grid[y * side + x + 1] ? 1 : 0);
        down = down << 1 | (here > grid[(y + 1) * side + x] ? 1 : 0);
        sum += here;
        squares += here * here;
      }
    }
    int n = CELLS * CELLS;
    double contrast = Math.sqrt(Math.max(0, squares / n - sum / n * (sum / n)));
    boolean blank = true;
    int brightest = 0;
    byte[] pixels = image.pixels();
    for (int i = 0; i < pixels.length; i++) {
      blank &= pixels[i] == pixels[i % RgbImage.CHANNELS];
      brightest = Math.max(brightest, pixels[i] & 0xFF);
    }
    return new PictureFacts(digest(image), across, down, contrast, blank, brightest);
  }

  /** Number of cells that differ, of 128. */
  int distance(PictureFacts other) {
    return Long.bitCount(across ^ other.across) + Long.bitCount(down ^ other.down);
  }

  private static Digest digest(RgbImage image) {
    try {
      // Not for security: MD5 is fast and everywhere.
      MessageDigest md5 = MessageDigest.getInstance("MD5");
      md5.update(ByteBuffer.allocate(8).putInt(image.width()).putInt(image.height()).flip());
      ByteBuffer bytes = ByteBuffer.wrap(md5.digest(image.pixels()));
      return new Digest(bytes.getLong(), bytes.getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5", e);
    }
  }
}
