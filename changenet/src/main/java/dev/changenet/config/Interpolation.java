package dev.changenet.config;

/**
 * A text with {@code ${path}} in it, kept as written until the value is read.
 *
 * @param text the text as the user wrote it
 */
record Interpolation(String text) {

  /** Returns true when the text holds an interpolation, escaped ones included. */
  static boolean isIn(String text) {
    return text.contains("${");
  }

  @Override
  public String toString() {
    return text;
  }
}
