package dev.changenet.config;

/** What is wrong with a setting, in the classes of the spec schema. */
public enum ErrorClass {
  /** The file or the override cannot be parsed, so there is no setting to judge. */
  SYNTAX('S'),
  /** The key is not in the schema. */
  UNKNOWN_KEY('U'),
  /** The value cannot be converted to the declared type. */
  TYPE('T'),
  /** The type fits, the value is outside the range or not one of the allowed words. */
  RANGE('R'),
  /** A mandatory value is still {@code ???} when the task reads it. */
  MISSING('M'),
  /** The value is well formed, but the run cannot use it. */
  UNUSABLE('X');

  private final char letter;

  ErrorClass(char letter) {
    this.letter = letter;
  }

  /** Returns the one-letter name of the class. */
  public char letter() {
    return letter;
  }
}
