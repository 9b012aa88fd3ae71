package dev.changenet.check;

/** What a split is for. */
public enum Role {
  TRAIN("train_split", true, true),
  VALIDATION("validation_split", true, true),
  TEST("test_split", false, true),
  PREDICT("predict_split", false, false);

  private final String key;
  private final boolean required;
  private final boolean masks;

  Role(String key, boolean required, boolean masks) {
    this.key = key;
    this.required = required;
    this.masks = masks;
  }

  /** Returns the key under {@code dataset.segment} that names the list. */
  String key() {
    return key;
  }

  /** Whether training needs the split. */
  boolean required() {
    return required;
  }

  /** Whether masks are read. */
  boolean masks() {
    return masks;
  }
}
