package dev.changenet.check;

import dev.changenet.data.DataSettings;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What to examine.
 *
 * @param data folders, mask rule, sizes
 * @param splits names of the lists
 * @param colors [R, G, B] by class, or empty
 * @param classNames a name for each class
 * @param depth how much to read
 * @param threads threads that read
 */
public record CheckSettings(
    DataSettings data,
    Map<Role, String> splits,
    List<List<Integer>> colors,
    List<String> classNames,
    Depth depth,
    int threads) {

  /** How much is read. */
  public enum Depth {
    /** Every file completely. */
    FULL(Integer.MAX_VALUE, Integer.MAX_VALUE),
    /** Every header, and some masks of each split. */
    QUICK(Integer.MAX_VALUE, 32),
    /** Every mask that is needed, to be sure of a fault that training is refused for. */
    MASKS(256, Integer.MAX_VALUE),
    /** What a run looks at before it begins: some headers and a few masks of each split. */
    START(256, 16);

    private final int headers;
    private final int masks;

    Depth(int headers, int masks) {
      this.headers = headers;
      this.masks = masks;
    }

    /** Pairs of a split whose headers are read, at most. */
    int headers() {
      return headers;
    }

    /** Masks of a split that are decoded, at most. */
    int masks() {
      return masks;
    }
  }

  public CheckSettings {
    EnumMap<Role, String> ordered = new EnumMap<>(Role.class);
    ordered.putAll(splits);
    splits = ordered;
    colors = List.copyOf(colors);
    classNames = List.copyOf(classNames);
  }

  /** Returns class {@code id} with its name, such as {@code 1 (changed)}. */
  String className(int id) {
    return id < classNames.size() && !classNames.get(id).equals("class " + id)
        ? id + " (" + classNames.get(id) + ")"
        : String.valueOf(id);
  }
}
