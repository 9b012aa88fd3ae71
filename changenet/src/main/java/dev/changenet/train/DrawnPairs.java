package dev.changenet.train;

import java.util.Optional;

/** Which pairs get pictures: those of every n-th batch, beginning with the first. */
final class DrawnPairs {
  private final String key;
  private final int everyNth;
  private int drawn;
  private int all;

  /**
   * @param key the setting that says n
   */
  DrawnPairs(String key, int everyNth) {
    this.key = key;
    this.everyNth = everyNth;
  }

  /** Tells whether batch {@code index} is drawn; counts {@code pairs} more of its pairs. */
  boolean draws(int index, int pairs) {
    boolean draws = index % everyNth == 0;
    drawn += draws ? pairs : 0;
    all += pairs;
    return draws;
  }

  /** Says why some pairs have no pictures; empty when all have. */
  Optional<String> notice() {
    return drawn == all
        ? Optional.empty()
        : Optional.of(
            "Pictures of %d of %d pairs: %s is %d, so only one batch in %d is drawn; %s=1 draws all"
                .formatted(drawn, all, key, everyNth, everyNth, key));
  }
}
