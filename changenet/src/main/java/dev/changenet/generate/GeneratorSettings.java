package dev.changenet.generate;

/**
 * What to generate.
 *
 * @param seed same seed, same scenes
 * @param size side length of the square pictures in pixels, 16–4096
 * @param train number of training pairs
 * @param val number of validation pairs
 * @param test number of test pairs; the predict list names them too
 * @param classes 2 for masks of 0 (no change) and 255 (building change); 3–5 for class ids: 1 new
 *     building, 2 demolished building, 3 rebuilt building, 4 new road or cleared trees
 */
public record GeneratorSettings(long seed, int size, int train, int val, int test, int classes) {
  public GeneratorSettings {
    check("size", size, 16, 4096);
    check("train", train, 0, 1_000_000);
    check("val", val, 0, 1_000_000);
    check("test", test, 0, 1_000_000);
    check("classes", classes, 2, 5);
    if (train + val + test == 0) {
      throw new IllegalArgumentException(
          "scene generator: train, val and test are all 0; ask for at least one pair");
    }
  }

  /** Number of pairs in all splits together. */
  public int total() {
    return train + val + test;
  }

  private static void check(String field, int value, int low, int high) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          "scene generator: " + field + " must be within " + low + "–" + high + ", got " + value);
    }
  }
}
