package dev.changenet.picture;

import dev.changenet.nn.random.RandomStream;
import dev.changenet.tensor.ChangeNetException;
import java.util.List;
import java.util.Map;

/** The display colour of each class. */
public final class ColorTable {
  private static final int[][] LANDSAT_SCD = {
    {255, 255, 255},
    {255, 165, 0},
    {230, 30, 100},
    {70, 140, 0},
    {218, 112, 214},
    {0, 170, 240},
    {127, 235, 170},
    {230, 80, 0},
    {205, 220, 57},
    {218, 165, 32}
  };

  /** The colour of a value that is no class, such as an ignored pixel: almost black. */
  private static final int[] NO_CLASS = {1, 1, 1};

  private final int[][] colors;

  private ColorTable(int[][] colors) {
    this.colors = colors;
  }

  /**
   * Chooses the colours: {@code colorMap} if given; else the built-in table where {@code dataName}
   * is {@code LandSCD}; else random ones derived from {@code seed}, with class 0 white and no
   * channel 0.
   *
   * @param colorMap class number as text → R, G, B of 0–255; null if not given
   * @throws ChangeNetException if the colours do not fit the number of classes
   */
  public static ColorTable of(
      Map<String, List<Integer>> colorMap, String dataName, int numClasses, long seed) {
    if (colorMap != null) {
      return new ColorTable(given(colorMap, numClasses));
    }
    if ("LandSCD".equals(dataName)) {
      if (numClasses > LANDSAT_SCD.length) {
        throw new ChangeNetException(
            "dataset.segment.data_name: LandSCD has colours for "
                + LANDSAT_SCD.length
                + " classes, num_classes is "
                + numClasses
                + "; give the colours in dataset.segment.color_map");
      }
      return new ColorTable(LANDSAT_SCD);
    }
    RandomStream random = RandomStream.of(seed, "color_table");
    int[][] colors = new int[numClasses][3];
    for (int[] color : colors) {
      for (int c = 0; c < 3; c++) {
        color[c] = 1 + random.nextInt(253);
      }
    }
    colors[0] = new int[] {255, 255, 255};
    return new ColorTable(colors);
  }

  /** Returns channel {@code channel} (R, G, B) of the colour of class {@code id}, 0–255. */
  public int get(int id, int channel) {
    return (id >= 0 && id < colors.length ? colors[id] : NO_CLASS)[channel];
  }

  private static int[][] given(Map<String, List<Integer>> colorMap, int numClasses) {
    if (colorMap.size() != numClasses) {
      throw new ChangeNetException(
          "dataset.segment.color_map: has "
              + colorMap.size()
              + " colours, num_classes is "
              + numClasses
              + "; give one colour per class");
    }
    int[][] colors = new int[numClasses][];
    for (int id = 0; id < numClasses; id++) {
      List<Integer> color = colorMap.get(Integer.toString(id));
      if (color == null) {
        throw new ChangeNetException(
            "dataset.segment.color_map: class '"
                + id
                + "' is missing, got the keys "
                + colorMap.keySet()
                + "; name the classes '0' to '"
                + (numClasses - 1)
                + "'");
      }
      if (color.size() != 3 || !color.stream().allMatch(v -> v != null && v >= 0 && v <= 255)) {
        throw new ChangeNetException(
            "dataset.segment.color_map: class '"
                + id
                + "' must be three integers within 0–255, got "
                + color);
      }
      colors[id] = color.stream().mapToInt(Integer::intValue).toArray();
    }
    return colors;
  }
}
