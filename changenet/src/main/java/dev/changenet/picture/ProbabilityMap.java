package dev.changenet.picture;

import dev.changenet.image.BilinearResize;
import dev.changenet.image.DataException;

/**
 * The probability of each class in each pixel.
 *
 * @param width pixels per row
 * @param height rows
 * @param classes K, at least 2
 * @param values [height, width, K], row by row; not copied
 */
public record ProbabilityMap(int width, int height, int classes, float[] values) {
  public ProbabilityMap {
    if (values.length != (long) width * height * classes) {
      throw new IllegalArgumentException(
          "probabilities: %dx%d pixels with %d classes need %d values, got %d"
              .formatted(width, height, classes, (long) width * height * classes, values.length));
    }
  }

  /**
   * Returns a map of zeros.
   *
   * @param what the picture, for the message
   * @throws DataException if it would not fit into the heap
   */
  public static ProbabilityMap zeros(String what, int width, int height, int classes) {
    checkFits(what, width, height, classes);
    return new ProbabilityMap(width, height, classes, new float[width * height * classes]);
  }

  /**
   * Returns the map scaled bilinearly.
   *
   * @param what the picture, for the message
   * @throws DataException if it would not fit into the heap
   */
  public ProbabilityMap resized(String what, int newWidth, int newHeight) {
    checkFits(what, newWidth, newHeight, classes);
    return new ProbabilityMap(
        newWidth,
        newHeight,
        classes,
        BilinearResize.apply(values, width, height, classes, newWidth, newHeight));
  }

  private static void checkFits(String what, int width, int height, int classes) {
    long count = (long) width * height * classes;
    long heap = Runtime.getRuntime().maxMemory();
    if (count > Integer.MAX_VALUE - 8 || count * Float.BYTES > heap) {
      throw new DataException(
          "%s: the probabilities of %d classes at %dx%d pixels take %d MiB, the Java heap holds %d MiB; raise it with CHANGENET_JAVA_OPTS=-Xmx…, or cut the picture"
              .formatted(what, classes, width, height, count * Float.BYTES >> 20, heap >> 20));
    }
  }
}
