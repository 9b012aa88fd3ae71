package dev.changenet.metrics;

import java.util.Arrays;

/**
 * Connected areas of a mask, 8-connected.
 *
 * @param ids number of the component of each pixel [height, width], from 1 in reading order; 0
 *     outside
 * @param areas pixels of component i at index i; index 0 is unused
 */
public record Components(int[] ids, int[] areas) {
  /** Number of components. */
  public int count() {
    return areas.length - 1;
  }

  /**
   * Finds the components of {@code mask}.
   *
   * @param mask [height, width]
   */
  public static Components of(boolean[] mask, int width, int height) {
    int[] ids = new int[mask.length];
    int[] areas = new int[16];
    int[] waiting = new int[mask.length];
    int count = 0;
    for (int start = 0; start < mask.length; start++) {
      if (!mask[start] || ids[start] != 0) {
        continue;
      }
      count++;
      if (count == areas.length) {
        areas = Arrays.copyOf(areas, 2 * count);
      }
      areas[count] = fill(mask, ids, width, height, start, count, waiting);
    }
    return new Components(ids, Arrays.copyOf(areas, count + 1));
  }

  private static int fill(
      boolean[] mask, int[] ids, int width, int height, int start, int id, int[] waiting) {
    int area = 0;
    int left = 0;
    waiting[left++] = start;
    ids[start] = id;
    while (left > 0) {
      int at = waiting[--left];
      area++;
      int x = at % width;
      int y = at / width;
      for (int v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (int u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          int next = v * width + u;
          if (mask[next] && ids[next] == 0) {
            ids[next] = id;
            waiting[left++] = next;
          }
        }
      }
    }
    return area;
  }
}
