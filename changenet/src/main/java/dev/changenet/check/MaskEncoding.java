package dev.changenet.check;

import dev.changenet.data.DataSettings;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What stored mask values become. The rule is TAO's: {@code norm} divides by 255 and drops the
 * rest, anything else keeps the value; 255 that stays is ignored.
 *
 * @param labelTransform {@code norm} or another word
 * @param classes number of classes
 * @param values values seen in masks, ascending; a sample need not hold all
 */
public record MaskEncoding(String labelTransform, int classes, List<Integer> values) {
  private static final int LISTED = 8;

  public MaskEncoding {
    values = List.copyOf(new TreeSet<>(values));
  }

  /** Describes what {@code settings} make of {@code values}. */
  public static MaskEncoding of(DataSettings settings, Collection<Integer> values) {
    return new MaskEncoding(settings.labelTransform(), settings.numClasses(), List.copyOf(values));
  }

  /** Returns the class of a stored value, or {@link DataSettings#IGNORE}. */
  public int classOf(int value) {
    return norm() ? value / DataSettings.IGNORE : value;
  }

  private boolean norm() {
    return "norm".equals(labelTransform);
  }

  /** Whether some value becomes a class above 0. */
  public boolean showsChange() {
    return values.stream().map(this::classOf).anyMatch(c -> c > 0 && c != DataSettings.IGNORE);
  }

  /** Returns one line for the user: values, and the classes they become. */
  public String line() {
    if (values.isEmpty()) {
      return "Masks: none read (label_transform " + labelTransform + ")";
    }
    List<String> become = new ArrayList<>();
    Set<String> distinct = new LinkedHashSet<>();
    for (int value : values) {
      int id = classOf(value);
      String word =
          id == DataSettings.IGNORE ? "ignored" : id >= classes ? "no class" : String.valueOf(id);
      become.add(word);
      distinct.add(word);
    }
    List<String> shown =
        values.size() > LISTED || distinct.size() == 1 ? List.copyOf(distinct) : become;
    boolean ignored = shown.getFirst().equals("ignored");
    return "Masks: "
        + Words.values(values)
        + " -> "
        + (ignored ? "" : shown.size() == 1 ? "class " : "classes ")
        + String.join(", ", shown)
        + " (label_transform "
        + labelTransform
        + ")";
  }

  /** Returns {@link #line} as it stands inside a sentence. */
  public String phrase() {
    return "m" + line().substring(1);
  }

  /** Returns the entry of a checkpoint. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("label_transform", labelTransform);
    map.put("num_classes", (long) classes);
    map.put("values", values.stream().map(v -> (Object) (long) v).toList());
    map.put("classes", values.stream().map(v -> (Object) (long) classOf(v)).toList());
    return map;
  }

  /** Reads the entry of a checkpoint; nothing when it is not one. */
  public static Optional<MaskEncoding> fromMap(Map<?, ?> map) {
    if (map.get("label_transform") instanceof String transform
        && map.get("num_classes") instanceof Number classes
        && map.get("values") instanceof List<?> stored
        && stored.stream().allMatch(Number.class::isInstance)) {
      return Optional.of(
          new MaskEncoding(
              transform,
              classes.intValue(),
              stored.stream().map(v -> ((Number) v).intValue()).toList()));
    }
    return Optional.empty();
  }

  /**
   * Compares the encoding a network was trained with with that of the masks at hand.
   *
   * @return a warning, or nothing when they agree
   */
  public Optional<String> disagreement(MaskEncoding now) {
    boolean otherRule = norm() != now.norm();
    boolean nothingLeft =
        showsChange() && !now.showsChange() && now.values.stream().anyMatch(v -> v > 0);
    if (!otherRule && !nothingLeft) {
      return Optional.empty();
    }
    return Optional.of(
        "the checkpoint was trained with "
            + phrase()
            + ", but here "
            + now.phrase()
            + (otherRule
                ? "; set dataset.segment.label_transform="
                    + labelTransform
                    + " unless these masks are stored differently"
                : "; these masks are stored differently: changenet check tells more"));
  }
}
