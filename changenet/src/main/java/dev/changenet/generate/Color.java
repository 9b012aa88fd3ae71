package dev.changenet.generate;

/** A colour of the scene before the camera; channels nominally 0–255. */
record Color(double r, double g, double b) {
  Color scaled(double f) {
    return new Color(r * f, g * f, b * f);
  }

  /** Returns the mixture with {@code part} of {@code other}. */
  Color mixed(Color other, double part) {
    return new Color(r + (other.r - r) * part, g + (other.g - g) * part, b + (other.b - b) * part);
  }
}
