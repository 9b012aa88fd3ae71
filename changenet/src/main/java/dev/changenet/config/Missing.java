package dev.changenet.config;

/** The mandatory marker {@code ???}: the value must be supplied before it is read. */
enum Missing {
  VALUE;

  static final String TEXT = "???";

  @Override
  public String toString() {
    return TEXT;
  }
}
